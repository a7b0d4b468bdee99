"""Who reviews: ``private/roster.toml`` enters, checked reviewers leave.

The file is the one place that ties pseudonyms to people. It is never published, and git does not see it.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from annotations.rounds import check_reviewer
from annotations.routing import Reviewer
from annotations.simulation import SIMULATED_PREFIX
from schemas.errors import DataError, Problem
from schemas.storage import read_bytes
from schemas.taxonomy import Taxonomy
from schemas.texts import shorten

__all__ = ["Member", "read_roster"]


class Member(BaseModel):
    """A reviewer: pseudonym, what they read and will not read, and where they log in.

    ``daily_cap`` is the most items a day; ``email`` the account on Label Studio. Experts decide ties.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    languages: list[str] = []
    opted_out: list[str] = []
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    email: str = ""
    expert: bool = False

    @property
    def reviewer(self) -> Reviewer:
        """The member as routing needs to know them."""
        return Reviewer(self.name, frozenset(self.languages), frozenset(self.opted_out))


class _Roster(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reviewer: list[Member] = []


def read_roster(path: Path, taxonomy: Taxonomy) -> list[Member]:
    """Return the members in the order of their file; without a file there are none.

    Raises `DataError` with every fault: broken TOML, unknown keys, pseudonyms that are repeated or can
    name no file, dimensions that are not there, accounts that two share.
    """
    if not path.exists():
        return []
    try:
        roster = _Roster.model_validate(tomllib.loads(read_bytes(path).decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid TOML in UTF-8 ({error}). Mend that place.") from error
    except ValidationError as error:
        problems = [
            Problem(
                path.name,
                0,
                ".".join(map(str, e["loc"])),
                shorten(e["input"]),
                e["msg"].lower(),
                "",
            )
            for e in error.errors()
        ]
        raise DataError(f"{path}: {len(problems)} problems.", problems) from None
    _check_members(path, roster.reviewer, taxonomy)
    return roster.reviewer


def _check_members(path: Path, members: list[Member], taxonomy: Taxonomy) -> None:
    faults: list[str] = []
    for number, member in enumerate(members, start=1):
        check_reviewer(member.name)
        if member.name.startswith(SIMULATED_PREFIX):
            faults.append(f"{member.name}: {SIMULATED_PREFIX}… are simulated reviewers")
        earlier = members[: number - 1]
        if any(other.name == member.name for other in earlier):
            faults.append(f"{member.name} stands there twice")
        if member.email and any(other.email == member.email for other in earlier):
            faults.append(f"{member.name}: another reviewer has the same email")
        unknown = [dimension for dimension in member.opted_out if dimension not in taxonomy]
        if unknown:
            faults.append(f"{member.name}: no dimension is named {', '.join(unknown)}")
    if faults:
        raise DataError(f"{path}: {'; '.join(faults)}.")
