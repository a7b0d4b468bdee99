"""Keys and texts from a person: a terminal, or any stream of lines, enters; keys and lines leave."""

import os
import sys
from typing import Protocol

from rich.console import Console

from schemas.texts import trim

_ESCAPE = "\x1b"
_PAUSE_S = 0.05

__all__ = ["Keys", "LineKeys", "TerminalKeys", "open_keys"]


class Keys(Protocol):
    """Where answers come from."""

    def read_key(self) -> str:
        """Return the key that was pressed, an empty text for Enter; raise EOFError at the end."""

    def read_text(self, prompt: str, before: str = "") -> str:
        """Return a line; an empty text where it was left at ``before``, or blank."""


class LineKeys:
    """Keys from lines, for input that is no terminal: each line is one key, or one text."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def read_key(self) -> str:
        """Return a line as the key it stands for."""
        return trim(self._console.input(""))

    def read_text(self, prompt: str, before: str = "") -> str:
        """Return a line."""
        self._console.print(f"{prompt}: ", end="", markup=False)
        text = trim(self._console.input(""))
        return "" if text == before else text


class TerminalKeys:
    """Keys from a terminal, one by one, without Enter."""

    def read_key(self) -> str:
        """Return the next key; Ctrl-C interrupts and Ctrl-D ends, as everywhere."""
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            # What was typed ahead is not thrown away.
            tty.setcbreak(descriptor, termios.TCSADRAIN)
            key = _read_character(descriptor)
            if key == _ESCAPE:
                _drop_sequence(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        if key in ("", "\x04"):
            raise EOFError
        return "" if key in "\r\n" else key

    def read_text(self, prompt: str, before: str = "") -> str:
        """Return an edited line, which begins as ``before`` where the terminal can do that."""
        try:
            import readline
        except ImportError:
            readline = None  # type: ignore[assignment]
        if readline is not None and before:
            readline.set_startup_hook(lambda: readline.insert_text(before))
        try:
            text = trim(input(f"{prompt}: "))
        finally:
            if readline is not None:
                readline.set_startup_hook()
        return "" if text == before else text


def _drop_sequence(descriptor: int) -> None:
    """Read on to the end of an escape sequence: an arrow key sends ESC [ A, and A is no answer then."""
    import select

    def read() -> bytes:
        # A terminal sends a sequence at once; what a person types after Escape comes later.
        return os.read(descriptor, 1) if select.select([descriptor], [], [], _PAUSE_S)[0] else b""

    if read() in (b"[", b"O"):
        while (byte := read()) and not b"@" <= byte <= b"~":
            pass


def _read_character(descriptor: int) -> str:
    """Return one character, of however many bytes; an empty text at the end of input."""
    data = b""
    for _ in range(4):
        data += os.read(descriptor, 1)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return "?"


def open_keys(console: Console) -> Keys:
    """Return the keys of the terminal where there is one, else those of the lines that come in."""
    try:
        import termios
    except ImportError:
        return LineKeys(console)
    try:
        termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        return LineKeys(console)
    return TerminalKeys()
