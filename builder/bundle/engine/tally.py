"""Verdict rows enter, in any order, once; what each model showed of each item leaves, as numbers of states.

A million rows show a few hundred different things. Each such thing is kept once, as a `State`; of an item
only the number of its state is kept, so that many rows take little room and are counted quickly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import EngineError
from .labels import Choice, DimensionKind, FormResult, OpenVerdict
from .readings import Reading, read_state
from .states import CHOICES, NOTHING, State
from .verdicts import combine_orders

__all__ = ["Asked", "Tally", "Verdicts", "tally_verdicts"]

_OPENS = tuple(OpenVerdict)
_LETTERS = ("A", "B", "")
_OTHER = {"A": "B", "B": "A", "": ""}


class Asked(NamedTuple):
    """An item as verdict rows name it."""

    item_id: str
    content_hash: str
    dimension: str
    kind: str
    family: str
    subsets: str


@dataclass(frozen=True, slots=True)
class Tally:
    """All verdict rows: ``models`` gives for each run and model the number of each item's state.

    Numbers of items and states are places in ``items`` and ``states``; state 0 is that of an item that was not
    asked; ``readings`` gives what each state says. ``families`` counts the items of each family.
    """

    items: list[Asked] = field(default_factory=list)
    states: list[State] = field(default_factory=lambda: [NOTHING])
    readings: list[Reading] = field(default_factory=lambda: [read_state(NOTHING)])
    models: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    families: dict[str, int] = field(default_factory=dict)


Verdicts = Iterable[Mapping[str, Any]] | Tally
"""Verdict rows, or their tally, which can be used again."""


def tally_verdicts(verdicts: Verdicts) -> Tally:
    """Return the tally of verdict rows; a tally is returned as it is.

    Raises `EngineError`, naming the row, where a column is missing, a label is unknown, multiple choice is not
    what its orders make it, or a sample of an item stands twice.
    """
    return verdicts if isinstance(verdicts, Tally) else _Reader().read(verdicts)


class _Reader:
    """Reads rows: what is seen for the first time is checked and kept, all else is looked up."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.items: dict[tuple[Any, ...], int] = {}
        self.codes: dict[tuple[Any, ...], int] = {}
        self.shown: list[State] = []
        self.states: dict[State, int] = {NOTHING: 0}
        self.steps: dict[tuple[int, int], int] = {}
        self.versions: set[tuple[str, str, str]] = set()

    def read(self, rows: Iterable[Mapping[str, Any]]) -> Tally:
        items, codes, steps, models = self.items, self.codes, self.steps, self.tally.models
        for number, row in enumerate(rows, start=1):
            try:
                get = row.get
                run_model = (row["run"], row["model"])
                named = (
                    row["item_id"], get("content_hash"), row["dimension"], row["kind"],
                    get("family"), get("subsets"),
                )  # fmt: skip
                shown = (
                    row["open"], row["choice_order_1"], row["choice_order_2"],
                    row["multiple_choice"], get("order_1_positive"), row["sample"],
                    row["undetermined_by"],
                )  # fmt: skip
                item = items.get(named)
                code = codes.get(shown)
                if item is None:
                    item = self._add_item(named)
                if code is None:
                    code = self._add_code(shown)
                of_model = models.get(run_model)
                if of_model is None:
                    of_model = models.setdefault(run_model, {})
                before = of_model.get(item, 0)
                after = steps.get((before, code))
                of_model[item] = self._step(before, code) if after is None else after
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise _name_fault(number, row, error) from None
        return self._check_items()

    def _add_item(self, named: tuple[Any, ...]) -> int:
        item_id, content_hash, dimension, kind, family, subsets = named
        _check_texts(item_id=item_id, dimension=dimension)
        asked = Asked(
            item_id,
            str(content_hash or ""),
            dimension,
            str(_check_label("kind", kind, DimensionKind)),
            str(family or item_id),
            str(subsets or ""),
        )
        families = self.tally.families
        families[asked.family] = families.get(asked.family, 0) + 1
        self.tally.items.append(asked)
        return self.items.setdefault(named, len(self.tally.items) - 1)

    def _add_code(self, shown: tuple[Any, ...]) -> int:
        opened, first, second, passed, letter, sample, causes = shown
        orders = (
            Choice(_check_label("choice_order_1", first, Choice)),
            Choice(_check_label("choice_order_2", second, Choice)),
        )
        if _check_label("multiple_choice", passed, FormResult) != combine_orders(*orders):
            raise ValueError(
                f"multiple_choice is {passed!r}, which {first} and {second} do not make"
            )
        if isinstance(sample, bool) or not isinstance(sample, int) or sample < 0:
            raise ValueError(f"sample is {sample!r}, which is no number from 0 on")
        if (letter or "") not in _LETTERS:
            raise ValueError(f"order_1_positive is {letter!r}, which is none of A, B")
        at = str(letter or "")
        state = State(
            samples=frozenset({sample}),
            opens=_count(_OPENS, _check_label("open", opened, OpenVerdict)),
            first=_count(CHOICES, orders[0]),
            second=_count(CHOICES, orders[1]),
            letters=_read_letter(orders[0], at) + _read_letter(orders[1], _OTHER[at]),
            causes=tuple(sorted(causes.split())),
        )
        self.shown.append(state)
        return self.codes.setdefault(shown, len(self.shown) - 1)

    def _step(self, before: int, code: int) -> int:
        """Return the number of the state that a further row makes of one."""
        old, new = self.tally.states[before], self.shown[code]
        if old.samples & new.samples:
            raise ValueError(f"sample {min(new.samples)} stands twice")
        state = State(
            samples=old.samples | new.samples,
            opens=_add(old.opens, new.opens),
            first=_add(old.first, new.first),
            second=_add(old.second, new.second),
            letters=_add(old.letters, new.letters),
            causes=tuple(sorted(old.causes + new.causes)),
        )
        number = self.states.setdefault(state, len(self.tally.states))
        if number == len(self.tally.states):
            self.tally.states.append(state)
            self.tally.readings.append(read_state(state))
        return self.steps.setdefault((before, code), number)

    def _check_items(self) -> Tally:
        """Refuse items that one model was asked in two versions: they would count twice."""
        items = self.tally.items
        if len({asked.item_id for asked in items}) == len(items):
            return self.tally
        for (run, model), states in sorted(self.tally.models.items()):
            seen: set[str] = set()
            for item in states:
                if items[item].item_id in seen:
                    raise EngineError(
                        f"verdict rows of run {run}, model {model} name item {items[item].item_id} with two "
                        "hashes, dimensions, kinds, families or subsets. Score each version apart."
                    )
                seen.add(items[item].item_id)
        return self.tally


def _check_texts(**values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is {value!r}, which is no text")


def _check_label(column: str, value: object, labels: Any) -> Any:
    if value not in list(labels):
        raise ValueError(f"{column} is {value!r}, which is none of {', '.join(labels)}")
    return labels(value)


def _count(labels: tuple[Any, ...], found: object) -> tuple[int, ...]:
    return tuple(int(label == found) for label in labels)


def _add(counts: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(counts, more, strict=True))


def _read_letter(choice: Choice, positive: str) -> tuple[int, int]:
    """Return which letter, A or B, a choice is; neither where none was read."""
    letter = {Choice.POSITIVE: positive, Choice.NEGATIVE: _OTHER[positive]}.get(choice, "")
    return int(letter == "A"), int(letter == "B")


def _name_fault(number: int, row: object, error: Exception) -> EngineError:
    """Return what is wrong with a row, and which it is."""
    told = row if isinstance(row, Mapping) else {}
    name = ", ".join(f"{c} {told[c]}" for c in ("run", "model", "item_id") if c in told)
    fault = {
        KeyError: f"lacks the column {error}",
        ValueError: str(error),
    }.get(type(error), "is no row of labels and texts")
    return EngineError(
        f"verdict row {number}{f' ({name})' if name else ''}: {fault}. Make the verdicts again from the "
        "responses and judgements."
    )
