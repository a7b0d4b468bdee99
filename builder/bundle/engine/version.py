"""The evaluator's version, which every score names: the first number counts changes of what is scored."""

__all__ = ["EVALUATOR_VERSION"]

EVALUATOR_VERSION = "1.0.0"
"""Semantic: a change of prompts, parser, verdicts or scores raises the first number."""
