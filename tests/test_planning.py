"""Plans: items for a wanted interval or difference, by formula, by exact summation and by simulation."""

import json
from contextlib import suppress
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from workspaces import RunCommand

from builder.bundle.engine.intervals import find_wilson_interval
from builder.bundle.engine.significance import find_mcnemar_p
from builder.planning.answers import Goal, Need, Scope, make_plan
from builder.planning.exact_power import (
    _find_critical,
    find_exact_items,
    find_exact_power,
    find_shown_difference,
)
from builder.planning.mcnemar import (
    find_independent_discordance,
    solve_by_connor,
    solve_by_miettinen,
)
from builder.planning.request import MOST_ITEMS, Request
from builder.planning.simulation import (
    draw_tests,
    simulate_families,
    simulate_power,
    simulate_widths,
)
from builder.planning.widths import find_half_width, solve_width
from builder.planning.wording import describe_plan
from schemas.errors import UsageError

shares = st.floats(0.0, 1.0)
differences = st.floats(0.03, 0.6)
excesses = st.floats(0.0, 0.4)
powers = st.floats(0.5, 0.95)


def sum_power(n: int, difference: float, discordance: float, alpha: float) -> float:
    """Return the power of the exact test, summed over every table of counts with whole numbers."""
    better, worse = (discordance + difference) / 2, (discordance - difference) / 2
    total = 0.0
    for d in range(n + 1):
        for x in range(d + 1):
            tail = sum(comb(d, k) for k in range(min(x, d - x) + 1))
            if d - x > x and 2 * tail <= alpha * 2**d:
                ways = comb(n, d) * comb(d, x)
                total += ways * better ** (d - x) * worse**x * (1 - discordance) ** (n - d)
    return total


def find_needs(request: Request) -> dict[tuple[Goal, Scope], Need]:
    """Return the needs of a plan by what they are for."""
    return {(need.goal, need.scope): need for need in make_plan(request).needs}


@pytest.mark.parametrize(
    ("half_width", "share", "items"),
    [(0.05, 0.5, 381), (0.1, 0.5, 93), (0.05, 0.1, 141), (0.02, 0.5, 2398), (0.1, 0.0, 16)],
)
def test_items_for_a_width_are_the_fewest_whose_interval_is_no_wider(
    half_width: float, share: float, items: int
) -> None:
    """Worked out by trying every number: the closed form is no approximation."""
    tried = next(n for n in range(1, 10_000) if find_half_width(n, share) <= half_width)
    needs = find_needs(Request(width=half_width, share=share))
    assert needs[Goal.WIDTH, Scope.OVERALL].items == tried == items


@given(st.floats(0.001, 0.499), shares, st.floats(0.5, 0.999))
def test_closed_form_of_a_width_gives_that_width_back(
    half_width: float, share: float, level: float
) -> None:
    """The formula inverts Wilson's interval wherever it is asked, at shares near 0 and 1 too."""
    n = solve_width(half_width, share, level)
    assert n > 0
    assert find_half_width(n, share, level) == pytest.approx(half_width, rel=1e-6)


@given(st.floats(0.001, 0.2), st.floats(0.0, 0.29), shares)
def test_a_narrower_interval_takes_more_items(width: float, more: float, share: float) -> None:
    """Nobody is told that precision is free."""
    assert solve_width(width, share) >= solve_width(width + more, share) - 1e-9


def test_simulated_intervals_have_the_planned_width_and_hold_the_share() -> None:
    """Wilson's interval at the planned number of items does in draws what the formula says."""
    for share, width in ((0.5, 0.05), (0.3, 0.08), (0.9, 0.04)):
        n = find_needs(Request(width=width, share=share))[Goal.WIDTH, Scope.OVERALL].independent
        mean, held = simulate_widths(n, share, 0.95, draws=20_000, seed=1)
        assert mean == pytest.approx(width, rel=0.02)
        assert held == pytest.approx(0.95, abs=0.015)


def test_connor_and_miettinen_are_as_worked_out_by_hand() -> None:
    """For 5 points of 15% discordant items, two-sided 5%, power 80%: (0.7591 + 0.3232)²/0.0025."""
    z_alpha, z_beta = 1.959964, 0.841621
    by_hand = (z_alpha * sqrt(0.15) + z_beta * sqrt(0.15 - 0.0025)) ** 2 / 0.0025
    assert solve_by_connor(0.05, 0.15, 0.05, 0.8) == pytest.approx(by_hand, rel=1e-5)
    assert round(by_hand) == 469
    root = sqrt(0.15**2 - 0.05**2 * 3.15 / 4)
    by_hand = (z_alpha * 0.15 + z_beta * root) ** 2 / (0.15 * 0.0025)
    assert solve_by_miettinen(0.05, 0.15, 0.05, 0.8) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize(
    ("n", "difference", "discordance", "alpha"),
    [
        (1, 0.5, 0.5, 0.05),
        (6, 1.0, 1.0, 0.05),
        (5, 1.0, 1.0, 0.05),
        (20, 0.3, 0.6, 0.05),
        (37, 0.25, 0.3, 0.05),
        (40, 0.1, 1.0, 0.2),
        (30, 0.4, 0.4, 0.001),
    ],
)
def test_exact_power_is_the_sum_over_all_tables(
    n: int, difference: float, discordance: float, alpha: float
) -> None:
    """Held against whole-number counting of every outcome: six of six is found at 5%, five of five is not."""
    found = find_exact_power(n, difference, discordance, alpha)
    assert found == pytest.approx(sum_power(n, difference, discordance, alpha), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 1092])
def test_plan_counts_with_the_very_test_of_a_report(alpha: float) -> None:
    """Where the plan says that a table of counts shows a difference, the evaluator's p-value says so too."""
    critical = _find_critical(0, 400, alpha)
    for discordant, most in enumerate(map(int, critical)):
        if most >= 0:
            assert find_mcnemar_p(discordant - most, most) <= alpha
        assert find_mcnemar_p(discordant - most - 1, most + 1) > alpha


@pytest.mark.parametrize(
    ("difference", "discordance", "power"), [(0.5, 0.8, 0.8), (0.4, 0.4, 0.9), (0.6, 1.0, 0.6)]
)
def test_items_for_a_difference_are_enough_from_there_on_and_one_less_is_not(
    difference: float, discordance: float, power: float
) -> None:
    """A user who adds a few items does not fall below the power that was planned."""
    found = find_exact_items(difference, discordance, 0.05, power)
    assert found is not None
    powers_ = [find_exact_power(n, difference, discordance, 0.05) for n in range(1, found + 60)]
    short = [n for n, reached in enumerate(powers_, start=1) if reached < power]
    assert found == max(short) + 1


@pytest.mark.parametrize(
    ("difference", "discordance", "models"),
    [
        (0.05, 0.2, 2),
        (0.05, 0.2, 14),
        (0.05, 0.05, 2),
        (0.15, 0.5, 3),
        (0.02, 0.1, 2),
        (0.3, 1.0, 2),
    ],
)
def test_simulated_exact_tests_reach_the_planned_power(
    difference: float, discordance: float, models: int
) -> None:
    """Draws, tables and p-values apart from the plan's own sums: the power is there, and hardly more."""
    request = Request(difference=difference, discordance=discordance, models=models)
    n = find_needs(request)[Goal.DIFFERENCE, Scope.OVERALL].independent
    draws = 40_000
    reached = simulate_power(n, difference, discordance, request.alpha, draws=draws, seed=7)
    exact = find_exact_power(n, difference, discordance, request.alpha)
    assert reached == pytest.approx(exact, abs=4 * sqrt(0.25 / draws))
    assert 0.8 <= exact < 0.83 + 3 / n


def test_closed_forms_lie_near_the_exact_number_where_items_are_many() -> None:
    """What the literature gives and what is counted agree: the exact test costs a few per cent more."""
    for difference, discordance in ((0.05, 0.2), (0.02, 0.1), (0.03, 0.4)):
        exact = find_exact_items(difference, discordance, 0.05, 0.8)
        assert exact is not None
        connor = solve_by_connor(difference, discordance, 0.05, 0.8)
        assert connor <= exact <= 1.06 * connor
        assert solve_by_miettinen(difference, discordance, 0.05, 0.8) == pytest.approx(
            connor, rel=0.05
        )


@settings(deadline=None, max_examples=40)
@given(differences, excesses, powers, st.floats(0.0, 0.04))
def test_more_power_or_a_smaller_difference_takes_no_fewer_items(
    difference: float, excess: float, power: float, more: float
) -> None:
    """A plan that asks for more never costs less."""
    discordance = min(1.0, difference + excess)
    found = find_exact_items(difference, discordance, 0.05, power)
    stronger = find_exact_items(difference, discordance, 0.05, power + more)
    smaller = find_exact_items(max(0.02, difference - more), discordance, 0.05, power)
    stricter = find_exact_items(difference, discordance, 0.05 / 91, power)
    assert found is not None
    assert stronger is not None
    assert smaller is not None
    assert stricter is not None
    assert found <= min(stronger, smaller, stricter)


@settings(deadline=None, max_examples=40)
@given(st.integers(20, 3000), st.floats(0.05, 1.0), powers)
def test_difference_shown_is_the_smallest_that_so_many_items_show(
    n: int, discordance: float, power: float
) -> None:
    """The inverse answers the same question: a hundredth of a point less would not be shown."""
    found = find_shown_difference(n, 0.05, power, lambda _: discordance, discordance)
    if found is None:
        assert find_exact_power(n, discordance, discordance, 0.05) < power
        return
    assert find_exact_power(n, found, discordance, 0.05) >= power
    assume(found > 0.0002)
    assert find_exact_power(n, found - 0.0001, discordance, 0.05) < power


def test_level_is_shared_among_all_pairs_overall_and_in_each_dimension() -> None:
    """Fourteen models are 91 pairs; with five dimensions and overall, 546 comparisons."""
    assert Request(models=14).comparisons == 91
    assert Request(models=14).alpha == pytest.approx(0.05 / 91)
    assert Request(models=14, dimensions=5).comparisons == 546
    assert Request(models=14, dimensions=5, scores=2).comparisons == 1092
    assert Request().alpha == 0.05


def test_holm_shows_a_planned_difference_at_least_as_often_as_planned() -> None:
    """The plan counts with Bonferroni's level: Holm's procedure, which a report follows, shows no less."""
    level, comparisons, draws = 0.05, 10, 20_000
    n = find_exact_items(0.1, 0.3, level / comparisons, 0.8)
    assert n is not None
    real = [draw_tests(n, 0.1, 0.3, draws=draws, seed=seed)[0] for seed in range(5)]
    none = [draw_tests(n, 0.0, 0.3, draws=draws, seed=seed)[0] for seed in range(5, 10)]
    p_values = np.column_stack([*real, *none])
    steps = level / np.arange(comparisons, 0, -1)
    order = np.argsort(p_values, axis=1, kind="stable")
    passed = np.logical_and.accumulate(np.take_along_axis(p_values, order, 1) <= steps, axis=1)
    shown = np.zeros_like(passed)
    np.put_along_axis(shown, order, passed, axis=1)
    by_holm = shown[:, 0].mean()
    by_bonferroni = np.mean(p_values[:, 0] <= level / comparisons)
    assert 0.79 < by_bonferroni < by_holm
    assert shown[:, 5:].any(axis=1).mean() < level + 0.005


def test_families_inflate_the_variance_by_the_design_effect() -> None:
    """Kish's formula holds in draws: a test by families has the planned power, and not without the effect."""
    request = Request(difference=0.1, discordance=0.3, family_size=4, correlation=0.3)
    need = find_needs(request)[Goal.DIFFERENCE, Scope.OVERALL]
    assert request.design_effect == pytest.approx(1.9)
    assert need.items == -(-need.independent * 19 // 10)
    drawn = {
        items: simulate_families(-(-items // 4), 4, 0.3, 0.1, 0.3, 0.05, draws=3000, seed=5)
        for items in (need.items, need.independent)
    }
    assert drawn[need.items][1] == pytest.approx(1.9, rel=0.08)
    assert 0.8 <= drawn[need.items][0] < 0.87
    assert drawn[need.independent][0] < 0.6


def test_dimensions_each_need_what_is_needed_overall() -> None:
    """A claim about a dimension rests on its own items: five such claims take five times as many."""
    needs = find_needs(Request(width=0.05, difference=0.05, discordance=0.2, dimensions=5))
    overall, each = (needs[Goal.WIDTH, scope] for scope in Scope)
    assert (overall.in_dimension, overall.in_all) == (77, 385)
    assert (each.in_dimension, each.in_all) == (381, 5 * 381)
    difference = needs[Goal.DIFFERENCE, Scope.DIMENSION]
    assert difference.in_all == 5 * difference.items


def test_given_items_are_split_evenly_and_discounted_for_families() -> None:
    """What 500 items show in five dimensions is what 100 show, and clustered ones show less."""
    overall, each = make_plan(Request(items=500, dimensions=5, discordance=0.3)).shown
    assert (overall.items, each.items) == (500, 100)
    low, high = find_wilson_interval(250, 500)
    assert overall.half_width == pytest.approx((high - low) / 2)
    assert overall.difference is not None
    assert each.difference is not None
    assert overall.difference < each.difference
    clustered = make_plan(Request(items=500, discordance=0.3, family_size=2, correlation=1)).shown
    halved = make_plan(Request(items=250, discordance=0.3)).shown
    assert clustered[0].half_width == pytest.approx(halved[0].half_width)
    assert clustered[0].difference == halved[0].difference


def test_power_for_a_difference_asked_about_is_told_with_the_items() -> None:
    """Somebody with a benchmark in hand asks how likely it shows what they look for."""
    (shown,) = make_plan(Request(items=658, difference=0.05, discordance=0.2)).shown
    assert shown.power == pytest.approx(0.8, abs=0.002)
    assert shown.difference == pytest.approx(0.05, abs=0.0002)


def test_too_few_items_show_no_difference_at_all() -> None:
    """With three items no exact test can find anything: that is said, and no number made up."""
    (shown,) = make_plan(Request(items=3)).shown
    assert shown.difference is None
    assert "show no difference" in describe_plan(make_plan(Request(items=3)))


def test_unknown_discordance_is_that_of_independent_models() -> None:
    """Two coin tossers disagree on every other item; models 20 points apart on a little more."""
    assert find_independent_discordance(0.5, 0.0) == 0.5
    first, second = 0.6, 0.4
    by_hand = first * (1 - second) + second * (1 - first)
    assert find_independent_discordance(0.5, 0.2) == pytest.approx(by_hand)
    assert Request(discordance=0.1).find_discordance(0.05) == 0.1


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Request(), "--difference or --width"),
        (Request(difference=0.3, discordance=0.2), "greater than --discordance 0.2"),
        (Request(difference=0.3, share=0.1), "cannot both lie around it"),
        (Request(difference=float("nan")), "--difference nan"),
        (Request(difference=0.0), "--difference 0"),
        (Request(width=0.5), "--width 0.5"),
        (Request(width=float("inf")), "--width inf"),
        (Request(width=0.1, power=1.0), "no plan is sure to succeed"),
        (Request(width=1e-200), "--width 1e-200"),
        (Request(difference=0.1, level=1 - 1e-16), "--level 1"),
        (Request(width=0.0001), f"--width 0.0001: that takes more than {MOST_ITEMS:,} items"),
        (Request(width=0.01, family_size=5000, correlation=1), "more than"),
        (Request(width=0.1, power=0.4), "--power 0.4"),
        (Request(width=0.1, level=1.0), "--level 1"),
        (Request(width=0.1, share=-0.1), "--share -0.1"),
        (Request(width=0.1, models=1), "--models 1"),
        (Request(width=0.1, dimensions=-1), "--dimensions -1"),
        (Request(width=0.1, scores=0), "--scores 0"),
        (Request(items=0), "--items 0"),
        (Request(items=10**12), "--items 1000000000000"),
        (Request(items=3, dimensions=5), "less than one for each"),
        (Request(items=100, width=0.1), "give one of the two"),
        (Request(width=0.1, correlation=0.2), "--family-size"),
        (Request(width=0.1, family_size=3), "--correlation"),
        (Request(width=0.1, family_size=0.5, correlation=0.1), "--family-size 0.5"),
        (Request(difference=0.0001, discordance=0.2), f"more than {MOST_ITEMS:,} items"),
    ],
)
def test_what_cannot_be_planned_is_told_with_what_to_do(request_: Request, told: str) -> None:
    """No number that is impossible or not a number reaches a formula."""
    with pytest.raises(UsageError, match=told.replace("(", r"\(")):
        make_plan(request_)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """A request is mended in one go."""
    with pytest.raises(UsageError) as caught:
        make_plan(Request(width=2.0, power=1.0, models=0))
    assert all(name in str(caught.value) for name in ("--width", "--power", "--models"))


hostile = st.floats() | st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.9, 1.0])


@settings(deadline=None, max_examples=100)
@given(
    st.builds(
        Request,
        difference=st.none() | hostile,
        width=st.none() | hostile,
        items=st.none() | st.integers(-5, 10_000),
        power=hostile | st.floats(0.5, 0.9),
        discordance=st.none() | hostile,
        share=hostile,
        models=st.integers() | st.integers(2, 20),
        dimensions=st.integers(-1, 50),
        family_size=hostile | st.floats(1, 9),
        correlation=hostile,
    )
)
def test_hostile_numbers_end_in_a_plan_or_a_sentence(request_: Request) -> None:
    """Whatever number is typed, nobody meets a traceback."""
    with suppress(UsageError):
        assert describe_plan(make_plan(request_)).endswith(".")


def test_plan_needs_no_workspace_and_says_it_in_a_sentence(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """The question comes before the first folder is made."""
    arguments = ("plan", "--difference", "0.05", "--discordance", "0.2", "--models", "14")
    result = finebench(tmp_path, *arguments, "--simulate", "5000")
    assert "exact McNemar test" in result.stdout
    assert "Connor's formula" in result.stdout
    assert "takes 1,496 items" in result.stdout
    assert "power of the exact test" in result.stdout
    assert "--scores 2" in result.stderr
    assert "Next: " in result.stderr


def test_plan_as_json_is_complete_and_the_same_each_time(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """A script reads what a person reads."""
    arguments = ("plan", "--width", "0.05", "--dimensions", "5", "--simulate", "2000", "--json")
    first = finebench(tmp_path, *arguments).stdout
    assert finebench(tmp_path, *arguments).stdout == first
    told = json.loads(first)
    assert [need["in_all"] for need in told["needs"]] == [385, 1905]
    assert told["assumed"]["comparisons"] == 6
    assert told["simulated"]["mean_half_width"] == pytest.approx(0.05, abs=0.001)


def test_bad_numbers_on_the_command_line_end_with_exit_code_2(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """Wrong usage has its own code, and no plan on stdout."""
    result = finebench(
        tmp_path, "plan", "--difference", "nan", "--power", "1", "--models", "1", code=2
    )
    assert result.stdout == ""
    assert all(name in result.stderr for name in ("--difference nan", "--power 1", "--models 1"))


def test_given_items_are_told_as_a_table(tmp_path: Path, finebench: RunCommand) -> None:
    """The inverse question, on the command line."""
    result = finebench(
        tmp_path, "plan", "--items", "500", "--dimensions", "5", "--difference", "0.1"
    )
    assert "What the items show" in result.stdout
    assert "±4.37 points" in result.stdout
    assert "500 items tell a share near 50%" in result.stdout


def test_a_plan_for_families_is_tried_out_on_families(
    tmp_path: Path, finebench: RunCommand
) -> None:
    """A plan of 498 items in families of three is not proven by 249 that have none."""
    asked = ("--difference", "0.1", "--discordance", "0.3", "--json", "--simulate", "3000")
    families = ("--family-size", "3", "--correlation", "0.5")
    told = json.loads(finebench(tmp_path, "plan", *asked, *families).stdout)["simulated"]
    assert set(told) == {"power_of_the_test_by_families", "design_effect_tried_out"}
    assert told["power_of_the_test_by_families"] == pytest.approx(0.82, abs=0.03)
    assert told["design_effect_tried_out"] == pytest.approx(2, abs=0.15)
    uneven = ("--family-size", "2.5", "--correlation", "0.5")
    told = json.loads(finebench(tmp_path, "plan", *asked, *uneven).stdout)["simulated"]
    assert told["design_effect_tried_out"] == pytest.approx(1.75, abs=0.15)
    alone = json.loads(finebench(tmp_path, "plan", *asked).stdout)["simulated"]
    assert set(alone) == {"power_of_the_exact_test"}
