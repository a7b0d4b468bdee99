"""Every error that finebench raises on purpose.

::

    FineBenchError            exit 1   the work could not be done, and the message says what to do
    ├── UsageError            exit 2   the command was called in a way that cannot work
    ├── DataError             exit 1   rows or files break a rule; carries every problem found
    ├── StorageError          exit 1   a file cannot be read, written or locked
    ├── StageError            exit 1   a stage cannot run yet, or not with what it was given
    ├── GateError             exit 1   a release is held back; carries the gates that failed
    ├── HubError              exit 1   the Hugging Face Hub refused a request or gave no reply
    └── EndpointError         exit 1   a model endpoint is misconfigured or does not answer

The evaluator bundle has a root of its own (``EngineError``), because it must run without us; the
command line turns both into one line on stderr.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "DataError",
    "EndpointError",
    "FineBenchError",
    "GateError",
    "HubError",
    "LabelStudioError",
    "Problem",
    "StageError",
    "StorageError",
    "UsageError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one place of a file or table.

    ``row`` counts from 1, as an editor counts lines; 0 means the whole file. ``value`` is already
    shortened for people (see `schemas.texts.shorten`).
    """

    file: str
    row: int
    column: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.row}" if self.row else self.file
        subject = " ".join(part for part in (self.column, self.value) if part)
        told = f"{self.rule}. {self.remedy}" if self.remedy else self.rule
        return ": ".join(part for part in (place, subject, told) if part)


class FineBenchError(Exception):
    """Root of all errors raised on purpose; its text is meant for users."""

    exit_code = 1


class UsageError(FineBenchError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class DataError(FineBenchError):
    """Rows or files break a rule; ``problems`` holds every breach found, not only the first."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class StorageError(FineBenchError):
    """A file cannot be read, written or locked."""


class StageError(FineBenchError):
    """A stage cannot run yet, or not with what it was given."""


class GateError(FineBenchError):
    """A release is held back; ``gates`` names the gates that failed."""

    def __init__(self, message: str, gates: Sequence[str]) -> None:
        super().__init__(message)
        self.gates = tuple(gates)


class EndpointError(FineBenchError):
    """A model endpoint is misconfigured or does not answer."""


class LabelStudioError(FineBenchError):
    """A Label Studio server refused a request or gave no reply.

    ``is_ambiguous`` where the request may have been carried out all the same.
    """

    def __init__(self, message: str, *, is_ambiguous: bool = False, status: int = 0) -> None:
        super().__init__(message)
        self.is_ambiguous = is_ambiguous
        self.status = status


class HubError(FineBenchError):
    """The Hugging Face Hub refused a request or gave no reply.

    ``status`` is the HTTP status, 0 where there was none; ``is_ambiguous`` where the request may have
    been carried out all the same; ``may_pass`` where the same request may succeed a little later, and
    ``wait_s`` how long the Hub asks to wait, where it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        is_ambiguous: bool = False,
        may_pass: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_ambiguous = is_ambiguous
        self.may_pass = may_pass
        self.wait_s = wait_s
