"""How often 95% intervals hold the truth where the judge errs: by its word alone, and corrected by a slice.

Models with known shares are judged with known errors, which differ by model; people judge so many replies of
each stratum. ``--quick`` draws less. The last line is JSON.
"""

import argparse
import json
import random
import time
from dataclasses import dataclass

from builder.correction import correct_score, score_by_judge
from builder.judged_items import JudgedItem, Measure, Votes

SIZES = ((90, 30), (200, 30), (500, 30), (500, 60))
"""Items, and replies of each stratum that people judge."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A model and how its judge and the people who judge it err.

    ``passes`` is its share of choices passed, ``safe`` that of safe replies where it passes and fails;
    ``misses`` of the unsafe replies the judge finds safe, ``alarms`` of the safe ones unsafe; each of
    ``voters`` people errs with ``noise``.
    """

    name: str
    passes: float
    safe: tuple[float, float]
    misses: float
    alarms: float
    voters: int = 1
    noise: float = 0.0

    def find_truth(self, measure: Measure) -> float:
        """Return the measure in the population, in the eyes of one person."""
        both, only = (s * (1 - self.noise) + (1 - s) * self.noise for s in self.safe)
        consistent = self.passes * both + (1 - self.passes) * (1 - only)
        safe = self.passes * both + (1 - self.passes) * only
        return {
            Measure.CS: consistent,
            Measure.CSS: self.passes * both,
            Measure.OPEN: safe,
            Measure.GAP: safe - self.passes,
        }[measure]

    def draw(self, rng: random.Random, items: int, per_stratum: int) -> list[JudgedItem]:
        """Return items of this model, of which people judged a random slice."""
        left = {True: per_stratum, False: per_stratum}
        found = []
        for number in range(items):
            choice = rng.random() < self.passes
            is_safe = rng.random() < self.safe[0 if choice else 1]
            word = rng.random() >= self.alarms if is_safe else rng.random() < self.misses
            left[choice] -= 1
            votes = None
            if left[choice] >= 0:
                said = sum((rng.random() >= self.noise) is is_safe for _ in range(self.voters))
                votes = Votes(said, self.voters - said)
            stratum = "pass" if choice else "fail"
            item_id = str(number)
            found.append(
                JudgedItem(item_id, item_id, stratum, choice, word, votes is not None, votes)
            )
        return found


PERSONAS = (
    Persona("lenient judge", 0.5, (0.9, 0.5), misses=0.6, alarms=0.02),
    Persona("harsh judge", 0.6, (0.95, 0.8), misses=0.05, alarms=0.3),
    Persona("mild errors", 0.5, (0.9, 0.7), misses=0.1, alarms=0.05),
    Persona("people disagree", 0.5, (0.9, 0.6), misses=0.3, alarms=0.1, voters=3, noise=0.15),
    Persona("rare errors", 0.3, (0.97, 0.97), misses=0.3, alarms=0.03),
)


@dataclass(slots=True)
class _Count:
    draws: int = 0
    corrected: int = 0
    alone: int = 0
    width: float = 0.0
    width_people: float = 0.0


def measure_coverage(persona: Persona, items: int, per_stratum: int, draws: int) -> list[_Count]:
    """Return for each measure how often the intervals held the truth."""
    rng = random.Random(f"{persona.name} {items} {per_stratum}")  # noqa: S311 - seeded on purpose
    counts = [_Count() for _ in Measure]
    for _ in range(draws):
        drawn = persona.draw(rng, items, per_stratum)
        for measure, count in zip(Measure, counts, strict=True):
            truth, own = persona.find_truth(measure), score_by_judge(drawn, measure)
            low, high = correct_score(drawn, measure).interval
            count.draws += 1
            count.width += high - low
            count.corrected += low <= truth <= high
            count.alone += own is not None and own.interval[0] <= truth <= own.interval[1]
            blind = [_hide_judge(item) for item in drawn]
            low, high = correct_score(blind, measure).interval
            count.width_people += high - low
    return counts


def _hide_judge(item: JudgedItem) -> JudgedItem:
    """Return the item as if the judge had said nothing: what people alone tell of it."""
    return JudgedItem(
        item.item_id, item.family, item.stratum, item.choice, None, item.drawn, item.votes
    )


def main() -> None:
    """Draw, print a table of coverage, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="draw 60 of each instead of 2000, and half of the sizes",
    )
    is_quick = parser.parse_args().quick
    draws, sizes = (60, SIZES[::2]) if is_quick else (2000, SIZES)
    start = time.perf_counter()
    everything: list[tuple[str, Measure, _Count]] = []
    print(f"{draws} draws each; share of 95% intervals that hold the truth, and mean widths\n")
    columns = ("model", "n", "slice", "score", "alone", "corrected", "width", "people only")
    print("{:16} {:>4} {:>5} {:5} {:>6} {:>9} {:>6} {:>11}".format(*columns))
    for persona in PERSONAS:
        for items, per_stratum in sizes:
            found = measure_coverage(persona, items, per_stratum, draws)
            for measure, count in zip(Measure, found, strict=True):
                everything.append((persona.name, measure, count))
                print(
                    f"{persona.name:16} {items:4} {per_stratum:5} {measure:5} {count.alone / draws:6.3f} "
                    f"{count.corrected / draws:9.3f} {count.width / draws:6.3f} "
                    f"{count.width_people / draws:11.3f}"
                )
    total = sum(count.draws for *_, count in everything)
    figures = {
        "draws": total,
        "coverage_corrected": round(sum(c.corrected for *_, c in everything) / total, 4),
        "coverage_corrected_min": min(c.corrected / c.draws for *_, c in everything),
        "coverage_uncorrected": round(sum(c.alone for *_, c in everything) / total, 4),
        "coverage_uncorrected_min": min(c.alone / c.draws for *_, c in everything),
        "width_to_people_only": round(
            sum(c.width for *_, c in everything) / sum(c.width_people for *_, c in everything), 4
        ),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
