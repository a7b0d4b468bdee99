"""The evaluator's own errors; the message says what failed, where, and what to do next."""

__all__ = ["EngineError"]


class EngineError(Exception):
    """The evaluator cannot go on; its text is meant for users."""
