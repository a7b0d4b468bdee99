"""What a build will cost, told beforehand: the calls foretold are those that are then made."""

from collections import Counter
from pathlib import Path

import pytest
from workspaces import RunCommand

from builder.forecast import forecast_build
from builder.llm.asking import PendingCalls
from builder.llm.call_log import read_calls, sum_calls
from builder.llm.estimates import estimate_calls
from builder.workspace import Workspace, create_workspace

PRICE = "price = { input = 2.0, output = 8.0, batch_share = 0.5 }"


def make_workspace(folder: Path, *, twins: bool = False, more: str = "") -> Workspace:
    """Return a workspace with an embedder and all models priced."""
    made = create_workspace(folder / "bench", quota=6)
    path = made.root / "bench.toml"
    text = path.read_text().replace('base_url = "offline:"', f'base_url = "offline:"\n{PRICE}')
    embedder = f'[models.embedder]\nmodel = "offline-embedder"\nbase_url = "offline:"\n{PRICE}\n\n'
    text = text.replace("[roles]\n", f'{embedder}[roles]\nembedder = "embedder"\n')
    if twins:
        text = text.replace("[generate]\n", "[generate]\ntwins = true\n")
    path.write_text(more + text)
    return Workspace(made.root)


def count_foretold(stages: list[PendingCalls]) -> Counter[tuple[str, str]]:
    """Return how many calls are foretold, by stage and role."""
    return Counter(
        (pending.stage, call.role)
        for pending in stages
        for call in (*pending.certain, *pending.expected)
    )


@pytest.mark.parametrize("batch_size", [10, 1])
@pytest.mark.parametrize("twins", [False, True])
def test_the_calls_foretold_are_those_that_are_made(
    tmp_path: Path, finebench: RunCommand, twins: bool, batch_size: int
) -> None:
    """With a writer whose every text is sound nothing is asked anew, and the forecast must be exact.

    In batches of one the questions come in waves, of which only the first is known to the letter.
    """
    workspace = make_workspace(tmp_path, twins=twins)
    path = workspace.root / "bench.toml"
    path.write_text(path.read_text().replace("batch_size = 10", f"batch_size = {batch_size}"))
    workspace = Workspace(workspace.root)
    foretold = count_foretold(forecast_build(workspace))
    assert list(read_calls(workspace.journal)) == []
    finebench(workspace.root, "build")
    made = {key[:2]: spent.calls for key, spent in sum_calls(workspace.journal).items()}
    assert dict(foretold) == made
    assert forecast_build(Workspace(workspace.root)) == []


def test_the_tokens_foretold_are_of_the_right_size(tmp_path: Path, finebench: RunCommand) -> None:
    """A price that is off by ten times announces nothing. The simulator counts words, some 0.7 a token."""
    workspace = make_workspace(tmp_path)
    estimates = [e for pending in forecast_build(workspace) for e in estimate_calls(pending)]
    finebench(workspace.root, "build")
    sums = sum_calls(workspace.journal).values()
    for told, used in (
        (sum(e.prompt_tokens for e in estimates), sum(s.prompt_tokens for s in sums)),
        (sum(e.completion_tokens for e in estimates), sum(s.completion_tokens for s in sums)),
    ):
        assert 0.7 * used < told < 3 * used


def test_a_build_half_done_foretells_the_rest(tmp_path: Path, finebench: RunCommand) -> None:
    """Whoever comes back in the morning wants to know what is left, and what was spent."""
    workspace = make_workspace(tmp_path)
    whole = count_foretold(forecast_build(workspace))
    finebench(workspace.root, "generate")
    rest = count_foretold(forecast_build(Workspace(workspace.root)))
    assert rest == Counter({key: n for key, n in whole.items() if key[0] != "01_questions"})


def test_batches_are_foretold_at_their_price(tmp_path: Path, finebench: RunCommand) -> None:
    """Half the price is the reason to wait for a batch."""
    workspace = make_workspace(tmp_path)
    costs = []
    for more in ([], ["--batch"]):
        told = finebench(workspace.root, "build", "--dry-run", *more).output
        costs.append(float(told.split("≈ $")[-1].split(" ")[0]))
        assert ("at batch prices" in told) == bool(more)
    assert costs[1] == pytest.approx(costs[0] / 2, abs=1e-4)
    assert costs[1] > 0
    assert list(read_calls(workspace.journal)) == []


@pytest.mark.parametrize(("budget", "code", "said"), [("50.0", 0, "enough."), ("0.01", 1, "stop")])
def test_a_budget_that_is_too_small_is_told_before_it_is_spent(
    tmp_path: Path, finebench: RunCommand, budget: str, code: int, said: str
) -> None:
    """A run that stops at two in the morning for want of a dollar could have been told at six."""
    workspace = make_workspace(tmp_path, more=f"budget = {budget}\n")
    told = finebench(workspace.root, "build", "--dry-run", code=code).output
    assert f"The budget of ${float(budget):g} has" in told
    assert said in told
