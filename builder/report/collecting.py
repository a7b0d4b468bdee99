"""A report from finished runs: their records enter; what the report shows of models and methods leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.bundle.engine.items import Item, read_items
from builder.bundle.engine.scoring import Score, score_verdicts
from builder.bundle.engine.tally import tally_verdicts
from builder.report.comparing import PAIRED, Compared, compare_entries
from builder.report.data import Entry, Report
from builder.report.method import describe_method, describe_run
from builder.report.taking import make_group
from builder.run_records import find_run_items, read_run_record
from builder.run_verdicts import read_run_verdicts
from builder.workspace import Workspace, read_table
from schemas.storage import Row
from schemas.tables import TableName
from schemas.texts import make_printable

__all__ = ["RunRows", "collect_report", "name_models", "read_asked_items", "read_run_rows"]


@dataclass(frozen=True, slots=True)
class RunRows:
    """A finished run: its record, and the rows of its tables.

    ``verdicts`` are what is scored, whoever judged; ``judge`` names that in a word where it is not the
    recorded one.
    """

    run: str
    about: Row
    verdicts: list[Row]
    responses: list[Row]
    judgements: list[Row]
    judge: str = ""

    @property
    def is_held_out(self) -> bool:
        """Whether the run asked items that are never to be published."""
        data = self.about.get("data")
        return isinstance(data, dict) and data.get("split", "test") != "test"


def read_run_rows(workspace: Workspace, run: str) -> RunRows:
    """Return a finished run; raise `UsageError` where there is none of that name."""
    about, folder = read_run_record(workspace, run), workspace.runs / run
    return RunRows(
        run,
        about,
        read_run_verdicts(workspace, run),
        read_table(folder / "responses.jsonl", TableName.RESPONSE),
        read_table(folder / "judgements.jsonl", TableName.JUDGEMENT),
    )


def read_asked_items(workspace: Workspace, run: RunRows) -> dict[str, Item]:
    """Return the items that a run asked, by id; none where its release is not here as it was."""
    path = find_run_items(workspace, run.about)
    return {item.item_id: item for item in read_items(path)} if path else {}


def collect_report(
    title: str,
    runs: Sequence[RunRows],
    *,
    flags: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> Report:
    """Return the report on finished runs.

    ``flags`` gives for a run and model the reasons to keep it out of the ranking.
    """
    tally = tally_verdicts(row for run in runs for row in run.verdicts)
    scores = score_verdicts(tally)
    simulated = sorted({name for run in runs for name in _list_texts(run.about.get("simulated"))})
    flagged = {key: tuple(map(make_printable, reasons)) for key, reasons in (flags or {}).items()}
    entries = _make_entries(scores, frozenset(simulated), flagged)
    compared = compare_entries(entries, tally, scores)
    return Report(
        title=make_printable(title, instead=" "),
        entries=tuple(_rank(entry, compared) for entry in entries),
        contrasts=compared.contrasts,
        compared=PAIRED,
        runs=tuple(describe_run(r.run, r.about, r.responses, r.judgements, r.judge) for r in runs),
        method=describe_method(scores),
        findings=compared.findings,
        simulated=tuple(simulated),
        notices=_list_notices(runs),
    )


def _list_texts(value: Any) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else []


def _make_entries(
    scores: Sequence[Score],
    simulated: frozenset[str],
    flags: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[Entry]:
    by_model: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        by_model.setdefault((score.run, score.model), []).append(score)
    names = name_models(by_model)
    return [
        Entry(
            name=names[key],
            run=key[0],
            model=key[1],
            groups={score.dimension: make_group(score) for score in of_model},
            is_simulated=key[1] in simulated,
            flags=flags.get(key, ()),
        )
        for key, of_model in by_model.items()
    ]


def name_models(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a name for each run and model: the model's, with the run where several ran it."""
    listed = list(keys)
    models = [model for _, model in listed]
    return {
        (run, model): make_printable(
            f"{model} ({run})" if models.count(model) > 1 else model, instead=" "
        )
        for run, model in listed
    }


def _rank(entry: Entry, compared: Compared) -> Entry:
    standings = compared.standings.get((entry.run, entry.model))
    return replace(entry, standings=standings) if standings and not entry.flags else entry


def _list_notices(runs: Sequence[RunRows]) -> tuple[str, ...]:
    notices = []
    if any(run.is_held_out for run in runs):
        notices.append(
            "HELD OUT: the items were never to be published. They and the replies to them are left out "
            "of this page and its files; do not publish the run's folder either."
        )
    data = {str(run.about.get("items", "")) for run in runs}
    if len(data) > 1:
        notices.append(
            "The runs asked different items: scores of one run and of another are not those of one test."
        )
    return tuple(notices)
