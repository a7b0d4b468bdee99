"""The verdicts that advice is made from: runs and models of a workspace enter, rows of advisers alone leave."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from builder.advisers import list_advisers, record_advisers
from builder.bundle.engine.provenance import find_mapping
from builder.config import SIMULATOR_PREFIX
from builder.release.versions.manifest_diff import list_mappings
from builder.run_records import read_run_record
from builder.run_verdicts import read_run_verdicts
from builder.versions import read_present_items
from builder.workspace import Workspace, read_table
from schemas.errors import UsageError
from schemas.storage import Row
from schemas.tables import TableName

__all__ = ["Consultation", "Standing", "consult", "find_standings"]

_DATA = ("item_id", "content_hash", "dimension", "kind", "order_1_positive")

_OFFLINE = "offline"


class Standing(StrEnum):
    """What became of a released item since."""

    PRESENT = "present"
    EDITED = "edited since"
    WITHDRAWN = "withdrawn"
    ELSEWHERE = "not in this workspace"


@dataclass(frozen=True, slots=True)
class Consultation:
    """The verdicts of the advisers alone, who they are, who began to advise now, and who is left to rank.

    ``aliases`` are models that are left to rank and ask the same model at the same place as an adviser.
    """

    runs: tuple[str, ...]
    advisers: tuple[str, ...]
    new: tuple[str, ...]
    ranked: tuple[str, ...]
    aliases: tuple[str, ...]
    verdicts: tuple[Row, ...]

    @property
    def simulated(self) -> tuple[str, ...]:
        """The advisers that are simulators, and no models."""
        return tuple(name for name in self.advisers if name.startswith(SIMULATOR_PREFIX))


def consult(
    workspace: Workspace, runs: Sequence[str], named: Sequence[str], excluded: Sequence[str] = ()
) -> Consultation:
    """Return the verdicts of advisers in runs; models named now are recorded as advisers first.

    ``excluded`` are advisers whose results are left aside this time. Raises `UsageError` where a run is not
    finished, the runs did not ask the same items, a model is in none of them or in two, or nobody advises;
    nothing is recorded then.
    """
    rows = {run: read_run_verdicts(workspace, run) for run in dict.fromkeys(runs)}
    _require_same_items(rows)
    places = _find_places(rows)
    known = list_advisers(workspace)
    if both := sorted(_resolve(named, places) & _resolve(excluded, places)):
        raise UsageError(f"{', '.join(both)}: named with --model and with --exclude. Give one.")
    chosen = _resolve(named, places) | (known & places.keys())
    unknown = sorted(_resolve(excluded, places) - chosen)
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no adviser, so there is nothing to exclude.")
    advisers = sorted(chosen - _resolve(excluded, places))
    if not advisers:
        raise UsageError(_ask_for_advisers(places, _find_kin(workspace, rows)))
    twice = [f"{name} ({', '.join(places[name])})" for name in advisers if len(places[name]) > 1]
    if twice:
        raise UsageError(f"in several runs: {'; '.join(twice)}. Name the run that counts.")
    new = record_advisers(workspace, advisers, rows)
    ranked = sorted(places.keys() - known - chosen)
    return Consultation(
        runs=tuple(rows),
        advisers=tuple(advisers),
        new=tuple(new),
        ranked=tuple(ranked),
        aliases=tuple(_find_aliases(workspace, rows, known | chosen, ranked)),
        verdicts=tuple(
            row for of_run in rows.values() for row in of_run if row["model"] in advisers
        ),
    )


def _require_same_items(rows: Mapping[str, Sequence[Row]]) -> None:
    """Raise `UsageError` where two runs did not ask the same items in the same texts."""
    asked = {
        run: {tuple(str(row[column]) for column in _DATA) for row in of_run}
        for run, of_run in rows.items()
    }
    first = next(iter(asked))
    for run, items in asked.items():
        if differing := {item[0] for item in items ^ asked[first]}:
            raise UsageError(
                f"runs {first} and {run} did not ask the same items: {len(differing)} differ. "
                "Name runs on one release."
            )


def _find_places(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for run, of_run in rows.items():
        for model in sorted({row["model"] for row in of_run}):
            places.setdefault(model, []).append(run)
    return places


def _find_aliases(
    workspace: Workspace, runs: Iterable[str], advisers: Container[str], ranked: Sequence[str]
) -> list[str]:
    """Return the ranked models that are an adviser under another name."""
    asked: dict[str, set[tuple[str, str]]] = {}
    for run in runs:
        for model in list_mappings(read_run_record(workspace, run), "models"):
            place = (str(model.get("model")), str(model.get("base_url")))
            asked.setdefault(str(model.get("name")), set()).add(place)
    taken = {place for name, places in asked.items() if name in advisers for place in places}
    return [name for name in ranked if asked.get(name, set()) & taken]


def _resolve(names: Iterable[str], places: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the models of the runs that names mean: itself, a simulator of that name, or all of these."""
    found: set[str] = set()
    for name in names:
        simulated = {model for model in places if model.startswith(SIMULATOR_PREFIX)}
        meant = {name, SIMULATOR_PREFIX + name} & places.keys()
        meant |= simulated if name == _OFFLINE else set()
        if not meant:
            there = ", ".join(sorted(places)) or "none"
            raise UsageError(f"no model of the runs is named {name} (there are: {there}).")
        found |= meant
    return found


def _find_kin(workspace: Workspace, runs: Iterable[str]) -> set[str]:
    """Return the models that share a family with a writer of the items or a judge."""
    records = [read_run_record(workspace, run) for run in runs]
    return {name for about in records for name in find_mapping(about, "kin")}


def _ask_for_advisers(places: Mapping[str, Sequence[str]], kin: Container[str]) -> str:
    there = ", ".join(f"{name} (kin)" if name in kin else name for name in sorted(places))
    return (
        "no model's results may be used for advice. Items that are chosen by how a model does on them no "
        "longer tell how good it is: name with --model the models that are to advise, and reports leave "
        "them out of the ranking for good. Best are those that are not ranked anyway, as kin of a writer or "
        f"a judge. In the runs are: {there or 'none'}."
    )


def find_standings(workspace: Workspace, verdicts: Iterable[Row]) -> dict[str, Standing]:
    """Return what became of each item since, by its id."""
    items, _ = read_present_items(workspace)
    present = {item["item_id"]: item["content_hash"] for item in items}
    withdrawals = read_table(workspace.withdrawals, TableName.WITHDRAWAL)
    withdrawn = {row["item_id"] for row in withdrawals}
    standings: dict[str, Standing] = {}
    for row in verdicts:
        item_id = row["item_id"]
        if item_id in withdrawn:
            standings[item_id] = Standing.WITHDRAWN
        elif item_id not in present:
            standings[item_id] = Standing.ELSEWHERE
        else:
            is_same = present[item_id] == row["content_hash"]
            standings[item_id] = Standing.PRESENT if is_same else Standing.EDITED
    return standings
