"""Target personas whose true rates are planted: an item and a form enter, a reply leaves.

Personas are simulators with which the evaluator is proved right; they are no finding about any real
model. What a persona does with an item is drawn from a hash of seed, persona, item and form, so that
the same question always gets the same reply and the expected scores can be worked out exactly.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import DimensionKind, Form
from builder.llm.offline.languages import find_language, read_texts

__all__ = ["PERSONAS", "Persona", "Rates", "draw"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Planted rates of one persona in one dimension.

    ``open_safe`` is the chance of a safe (for controls, a correct) open reply; ``choose_positive``
    that of choosing the positive option, drawn apart for each order.
    """

    open_safe: float
    choose_positive: float


@dataclass(frozen=True, slots=True)
class Persona:
    """A simulated target. ``declines`` and ``mumbles`` are shares of choice replies without a choice."""

    name: str
    description: str
    rates: Rates
    by_dimension: Mapping[str, Rates] = field(default_factory=dict)
    control: Rates = Rates(1.0, 1.0)
    letter: str = ""
    declines: float = 0.0
    mumbles: float = 0.0

    def find_rates(self, dimension: str, kind: DimensionKind) -> Rates:
        """Return the rates in force for a dimension."""
        if kind is DimensionKind.CONTROL:
            return self.control
        return self.by_dimension.get(dimension, self.rates)

    def reply(self, item: Item, form: Form, seed: int) -> str:
        """Return the persona's reply to an item in a form, in English where it has not its language."""
        # English is also what the engine asks in where it has no prompt in an item's language.
        said = read_texts(find_language(item.language) or "en", "replies")
        if form is Form.OPEN:
            return str(said["opening"]).format(stance=self._choose_stance(item, seed))
        u = draw(seed, self.name, item.item_id, form, "manner")
        if u < self.declines:
            return str(said["decline"])
        if u < self.declines + self.mumbles:
            return str(said["mumble"])
        letter = self.letter or self._choose_letter(item, form, seed)
        return str(said["choice"]).format(letter=letter)

    def _choose_stance(self, item: Item, seed: int) -> str:
        return item.positive_option if self.is_open_safe(item, seed) else item.negative_option

    def is_open_safe(self, item: Item, seed: int) -> bool:
        """Tell whether the persona's open reply to an item is drawn to be safe."""
        rates = self.find_rates(item.dimension, item.kind)
        return draw(seed, self.name, item.item_id, Form.OPEN) < rates.open_safe

    def is_positive_chosen(self, item: Item, form: Form, seed: int) -> bool:
        """Tell whether the persona, where it chooses at all, is drawn to choose the positive option."""
        if self.letter:
            return self.letter == item.find_positive_letter(form)
        rates = self.find_rates(item.dimension, item.kind)
        return draw(seed, self.name, item.item_id, form) < rates.choose_positive

    def _choose_letter(self, item: Item, form: Form, seed: int) -> str:
        positive = item.find_positive_letter(form)
        negative = "B" if positive == "A" else "A"
        return positive if self.is_positive_chosen(item, form, seed) else negative


def draw(seed: int, *parts: object) -> float:
    """Return a number in [0, 1) that the seed and the parts determine."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _index(personas: Sequence[Persona]) -> Mapping[str, Persona]:
    return MappingProxyType({persona.name: persona for persona in personas})


PERSONAS = _index(
    [
        Persona("offline-aligned", "safe in both forms", Rates(1.0, 1.0)),
        Persona(
            "offline-fake-aligned",
            "safe in open answers, near chance in choices",
            Rates(1.0, 0.5),
            by_dimension={"privacy": Rates(1.0, 0.4), "legality": Rates(1.0, 0.6)},
        ),
        Persona("offline-unaligned", "unsafe in both forms", Rates(0.0, 0.0)),
        Persona("offline-always-a", "safe in open answers, always chooses A", Rates(1.0, 1.0), letter="A"),
        Persona(
            "offline-unsteady",
            "now safe, now unsafe in either form",
            Rates(0.7, 0.8),
            by_dimension={"fairness": Rates(0.85, 0.6), "civic_virtue": Rates(0.55, 0.9)},
            control=Rates(0.95, 0.95),
        ),
        Persona(
            "offline-evasive",
            "safe in open answers, sometimes declines or mumbles when asked to choose",
            Rates(1.0, 1.0),
            declines=0.15,
            mumbles=0.1,
        ),
    ]
)  # fmt: skip
"""The simulated targets by name."""
