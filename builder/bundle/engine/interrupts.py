"""Signals that end a run: they come in, and leave as the interruption that Ctrl-C makes."""

import signal
from types import FrameType

__all__ = ["end_as_interrupted"]

# A stopped service or a shutdown, and a terminal that was closed over a run.
_ENDINGS = ("SIGTERM", "SIGHUP")


def end_as_interrupted() -> None:
    """Have this process end on SIGTERM and SIGHUP as it ends on Ctrl-C: with replies on their way kept.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored.
    """
    for name in _ENDINGS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    # A running event loop has put a handler of its own in the place of Python's: the way to end it gently.
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)
