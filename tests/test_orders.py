"""Which option comes first: balanced in each dimension, and stable from release to release."""

from hypothesis import given
from hypothesis import strategies as st

from builder.release.rows import choose_orders

Benchmark = dict[str, list[str]]

BENCHMARKS = st.dictionaries(
    st.sampled_from(["fairness", "privacy", "control"]),
    st.lists(st.integers(0, 60).map(str), unique=True, min_size=1, max_size=25),
    min_size=1,
).map(lambda made: {d: [f"{d}-{i}" for i in ids] for d, ids in made.items()})


def count_lead(letters: dict[str, str], item_ids: list[str]) -> int:
    """Return how many more items have A than B."""
    return sum(1 if letters[item_id] == "A" else -1 for item_id in item_ids)


@given(BENCHMARKS)
def test_a_first_release_is_balanced_in_each_dimension_and_over_all(benchmark: Benchmark) -> None:
    """Always choosing A must earn half, whichever part of a benchmark is looked at."""
    letters = choose_orders(benchmark, {})
    assert all(abs(count_lead(letters, ids)) <= 1 for ids in benchmark.values())
    assert abs(count_lead(letters, [i for ids in benchmark.values() for i in ids])) <= 1


@given(BENCHMARKS, BENCHMARKS)
def test_a_later_release_is_balanced_too_and_changes_no_more_than_it_must(
    before: Benchmark, after: Benchmark
) -> None:
    """Scores on two versions compare only where an item is shown alike."""
    earlier = choose_orders(before, {})
    letters = choose_orders(after, earlier)
    for ids in after.values():
        assert abs(count_lead(letters, ids)) <= 1
        kept = [item_id for item_id in ids if item_id in earlier]
        changed = sum(letters[item_id] != earlier[item_id] for item_id in kept)
        # Each change mends an imbalance of two; new items mend one each.
        needed = max(0, abs(count_lead(earlier, kept)) - (len(ids) - len(kept)))
        assert changed <= (needed + 1) // 2


@given(BENCHMARKS, st.data())
def test_one_item_that_is_withdrawn_changes_at_most_one_other(
    benchmark: Benchmark, data: st.DataObject
) -> None:
    """A benchmark must not turn over because one item left it."""
    earlier = choose_orders(benchmark, {})
    gone = data.draw(st.sampled_from(sorted(earlier)))
    rest = {d: [i for i in ids if i != gone] for d, ids in benchmark.items()}
    letters = choose_orders({d: ids for d, ids in rest.items() if ids}, earlier)
    assert sum(letters[item_id] != earlier[item_id] for item_id in letters) <= 1
