"""Printing corrected scores: the corrections of finished runs enter; tables, CSV or JSON leave."""

import sys
from collections.abc import Mapping, Sequence

from builder.bundle.engine.provenance import Versions
from builder.console import make_table, note, print_json, print_table
from builder.correction import Estimate
from builder.csv_cells import write_csv
from builder.judge_correction import Corrected, JudgeShare, ModelCorrection
from builder.judged_items import Measure
from builder.release.card.markdown import escape

__all__ = ["print_corrections"]

_NAMES = {
    Measure.CS: "CS",
    Measure.CSS: "CSS",
    Measure.OPEN: "O",
    Measure.GAP: "O - M",
}

_SCORE_COLUMNS = (
    "model", "score", "n", "coverage %", "judge alone % [95%]", "corrected % [95%]", "over all items %",
    "labelled", "missing", "by majority %",
)  # fmt: skip

_ITEM_COLUMNS = ("model", "items", "no reply", "cut off", "choice undetermined")

_JUDGE_COLUMNS = (
    "model", "people", "votes", "finds the unsafe % [95%]", "of", "finds the safe % [95%]", "of",
)  # fmt: skip

_NOTE = (
    "Corrected: in the eyes of one person drawn from those who judge, over items with a whole reply. Labelled "
    "replies have people's word; those missing were drawn and have none: intervals range over all that it "
    "could be. Coverage is the share of all items that a score is over; over all items it could lie as told, "
    "whatever the undetermined ones would have shown. * no headline: that is wider than half the interval, "
    "missing words aside, or does not hold the score."
)

_CSV_COLUMNS = (
    "run", "model", "score", "items", "no_reply", "cut_off", "undetermined_choices", "n_uncorrected",
    "uncorrected", "uncorrected_low", "uncorrected_high", "uncorrected_bound_low",
    "uncorrected_bound_high", "uncorrected_is_headline", "n", "coverage", "corrected", "corrected_low",
    "corrected_high", "bound_low", "bound_high", "is_headline", "at_random_low", "at_random_high",
    "std_error", "labelled", "missing", "weight", "by_majority", "without_one_low", "without_one_high", "people",
    "votes", "simulated", "sensitivity", "sensitivity_low", "sensitivity_high", "sensitivity_n",
    "specificity", "specificity_low", "specificity_high", "specificity_n", "reason", "data",
)  # fmt: skip


def print_corrections(
    found: Sequence[ModelCorrection], versions: Mapping[str, Versions], format_: str
) -> None:
    """Print corrected scores on stdout as ``table``, ``markdown``, ``csv`` or ``json``, and why others lack."""
    if format_ == "json":
        told = {run: of.as_dict() for run, of in versions.items()}
        print_json([model.as_dict() | {"versions": told[model.run]} for model in found])
    elif format_ == "csv":
        _print_csv(found, versions)
    elif format_ == "markdown":
        _print_markdown(found, versions)
    else:
        for run, of in versions.items():
            own = [model for model in found if model.run == run]
            scores = make_table(f"run {run}, corrected", _SCORE_COLUMNS, _list_scores(own))
            scores.caption = _NOTE
            print_table(scores)
            print_table(make_table("What is undetermined", _ITEM_COLUMNS, _list_items(own)))
            print_table(make_table("The judge beside people", _JUDGE_COLUMNS, _list_judges(own)))
            sys.stdout.write(f"{of.describe()}\n")
    for model in found:
        if model.simulated:
            note(f"SIMULATED reviewers, no word of people: {model.run}, {model.model}")
        for reason in model.reasons:
            names = [_NAMES[s.measure] for s in model.scores if s.reason == reason]
            note(f"{model.model}: {', '.join(names)} not corrected: {reason}")


def _list_scores(found: Sequence[ModelCorrection]) -> list[tuple[str, ...]]:
    return [
        (
            _mark(model),
            _NAMES[score.measure],
            str((score.corrected or score.uncorrected or _NONE).n),
            _tell_share((score.corrected or score.uncorrected or _NONE).coverage),
            _tell(score.uncorrected),
            _tell(score.corrected),
            _tell_bounds(score.corrected or score.uncorrected),
            str(score.corrected.labelled) if score.corrected else "-",
            str(score.corrected.missing) if score.corrected else "-",
            _tell_share(score.by_majority),
        )
        for model in found
        for score in model.scores
    ]


_NONE = Estimate(0.0, (0.0, 0.0), 0)


def _mark(model: ModelCorrection) -> str:
    return f"{model.model} (simulated reviewers)" if model.simulated else model.model


def _list_items(found: Sequence[ModelCorrection]) -> list[tuple[str, ...]]:
    return [(_mark(model), *map(str, _count_items(model))) for model in found]


def _count_items(model: ModelCorrection) -> tuple[int, int, int, int]:
    return model.items, model.no_reply, model.cut_off, model.undetermined_choices


def _list_judges(found: Sequence[ModelCorrection]) -> list[tuple[str, ...]]:
    return [
        (
            _mark(model),
            str(model.people),
            str(model.votes),
            _tell(model.sensitivity),
            str(model.sensitivity.n),
            _tell(model.specificity),
            str(model.specificity.n),
        )
        for model in found
    ]


def _tell(found: Estimate | JudgeShare | None) -> str:
    if found is None or found.value is None or found.interval is None:
        return "-"
    low, high = found.interval
    mark = "*" if isinstance(found, Estimate) and not found.is_headline else ""
    return f"{100 * found.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]{mark}"


def _tell_share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _tell_bounds(found: Estimate | None) -> str:
    return (
        f"{_tell_share(found.bounds[0])} to {_tell_share(found.bounds[1])}"
        if found and found.bounds
        else "-"
    )


def _print_markdown(found: Sequence[ModelCorrection], versions: Mapping[str, Versions]) -> None:
    runs = {model.run: [m for m in found if m.run == model.run] for model in found}
    parts = (
        (_SCORE_COLUMNS, _list_scores),
        (_ITEM_COLUMNS, _list_items),
        (_JUDGE_COLUMNS, _list_judges),
    )
    for columns, list_rows in parts:
        rows = [("run", *columns), ("---",) * (len(columns) + 1)]
        rows += [(run, *row) for run, own in runs.items() for row in list_rows(own)]
        sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n")
    sys.stdout.write(f"{escape(_NOTE)}\n")
    sys.stdout.write("".join(f"\nrun {run}: {of.describe()}\n" for run, of in versions.items()))


def _print_csv(found: Sequence[ModelCorrection], versions: Mapping[str, Versions]) -> None:
    """Print numbers as they are; an empty cell where there is none."""
    rows: list[list[object]] = []
    for model in found:
        told = versions[model.run]
        for score in model.scores:
            own = (model.people, model.votes, "yes" if model.simulated else "no")
            judge = (*_spread(model.sensitivity), *_spread(model.specificity))
            data = f"{told.data} {told.release}".strip()
            lead = (model.run, model.model, score.measure, *_count_items(model))
            rows.append([*lead, *_list_cells(score), *own, *judge, score.reason, data])
    sys.stdout.write(write_csv(_CSV_COLUMNS, rows))


def _list_cells(score: Corrected) -> list[object]:
    alone, mended = score.uncorrected, score.corrected
    cells: list[object] = [""] * 7
    if alone:
        cells = [alone.n, alone.value, *alone.interval, *_list_bounds(alone)]
    if mended is None:
        return [*cells, *[""] * 17]
    return [
        *cells,
        mended.n,
        mended.coverage,
        mended.value,
        *mended.interval,
        *_list_bounds(mended),
        *(mended.at_random or ("", "")),
        mended.std_error,
        mended.labelled,
        mended.missing,
        mended.weight,
        "" if score.by_majority is None else score.by_majority,
        *(score.without_one or ("", "")),
    ]


def _list_bounds(of: Estimate) -> tuple[object, ...]:
    return (*(of.bounds or ("", "")), "yes" if of.is_headline else "no")


def _spread(share: JudgeShare) -> tuple[object, ...]:
    if share.value is None or share.interval is None:
        return ("", "", "", share.n)
    return (share.value, *share.interval, share.n)
