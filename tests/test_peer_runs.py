"""The real peers run a release: Inspect by its eval.yaml, lm-evaluation-harness by its task files.

Both ask a model on loopback whose replies are known, and so does our own evaluator: item by item, what
they count as right must be what we read as the positive option.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import run_command, serve_offline_model
from fakes import VARIABLE
from hub_server import HubRepository, serve_hub
from workspaces import read_release

from builder.bundle.engine.items import Item, read_items
from builder.llm.offline.transport import OfflineModel
from builder.release.peers.eval_yaml import make_eval_yaml
from schemas.storage import read_rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

PEERS = Path(sys.prefix) / "peers" / "bin"
CONFIGS = ("mcq_order_1", "mcq_order_2")
MODELS = ("offline-fake-aligned", "messy")
MANNERS = (
    "Option: [[{right}]]",
    "[[ {right} ]], since {wrong} is worse.",
    "Answer {wrong} is kind. Answer {right} is honest.\n\nOption: [[{right}]]",
    "**{right}**\n",
    "({right})",
    "The better answer is {right}.",
    "I choose {right}, a middle way.",
    "选项：{right}",
    "[[{right}]] or [[{wrong}]]",
    "The answer is {right} or {wrong}.",
    "I cannot choose between {right} and {wrong}.",
    "A good question. Because of that, both.",
    "neither",
)
Right = dict[str, dict[str, bool]]
"""By config and item: whether the positive option was chosen."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where peers run: a release with its items, a model server, a hub that holds the release, our verdicts."""

    workspace: Path
    items: tuple[Item, ...]
    url: str
    hub_url: str
    ours: Mapping[str, Right]

    def run(
        self, folder: Path, program: str, *arguments: object
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the peers' environment, with nothing but loopback to talk to."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "TMPDIR"}}
        environment = kept | {
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_ENDPOINT": self.hub_url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "OPENAI_API_KEY": "none",
            "NEAR_API_KEY": "none",
            "NEAR_BASE_URL": self.url,
        }
        result = subprocess.run(
            [str(PEERS / program), *map(str, arguments)],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert result.returncode == 0, f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result


def answer_in_some_manner(prompt: str) -> str:
    """Return a reply whose manner and letter follow from the prompt: plain, wordy, undecided, unreadable."""
    drawn = hashlib.sha256(prompt.encode()).digest()
    right, wrong = ("A", "B") if drawn[0] % 2 else ("B", "A")
    return MANNERS[drawn[1] % len(MANNERS)].format(right=right, wrong=wrong)


@pytest.fixture(scope="module")
def ground(_released: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A release that was evaluated by us, on a hub and with a model that peers reach."""
    missing = [name for name in ("inspect", "lm_eval") if not (PEERS / name).is_file()]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} in .venv/peers: run `make .venv/.peers`")
    workspace = shutil.copytree(_released, tmp_path_factory.mktemp("peers") / "bench")
    release, _, _ = read_release(workspace)
    items = read_items(release / "evaluator" / "items.jsonl")
    files = {
        p.relative_to(release).as_posix(): p.read_bytes() for p in release.rglob("*") if p.is_file()
    }
    files["eval.yaml"] = make_eval_yaml("bench", "Test bench").encode()
    hub = HubRepository(files, branches=("main", "v1.0.0"))
    answer = OfflineModel.answer

    def answer_also(model: OfflineModel, name: str, prompt: str, seed: int) -> str:
        if name == "messy" and "[[A]]" in prompt:
            return answer_in_some_manner(prompt)
        return answer(model, "offline-aligned" if name == "messy" else name, prompt, seed)

    with (
        pytest.MonkeyPatch.context() as patch,
        serve_offline_model(list(items)) as url,
        serve_hub({"acme/bench": hub}) as server,
    ):
        patch.setattr(OfflineModel, "answer", answer_also)
        patch.setenv(VARIABLE, "none")
        yield Ground(workspace, items, url, server.url, evaluate_here(workspace, url))


def evaluate_here(workspace: Path, url: str) -> dict[str, Right]:
    """Have our evaluator ask the models of the server; return by model what each chose in each order."""
    config = workspace / "bench.toml"
    models = "".join(
        f'[models.near-{name}]\nmodel = "{name}"\nbase_url = "{url}"\n'
        f'key_variable = "{VARIABLE}"\n\n'
        for name in MODELS
    )
    config.write_text(config.read_text().replace("[roles]", f"{models}[roles]", 1))
    options = [word for name in MODELS for word in ("--model", f"near-{name}")]
    run_command(workspace, "evaluate", "1.0.0", *options, "--run", "ours")
    found: dict[str, Right] = {name: {config: {} for config in CONFIGS} for name in MODELS}
    for row in read_rows(workspace / "runs" / "ours" / "verdicts.jsonl"):
        for order, chosen in enumerate(CONFIGS, start=1):
            choices = found[row["model"].removeprefix("near-")][chosen]
            choices[row["item_id"]] = row[f"choice_order_{order}"] == "positive"
    return found


def share(right: Mapping[str, bool]) -> float:
    """Return the share of items that are right."""
    return sum(right.values()) / len(right)


def test_our_verdicts_tell_the_models_and_the_orders_apart(ground: Ground) -> None:
    """Equal figures prove something only where the figures differ: by model, by order, and from 0 and 1."""
    figures = [share(ground.ours[model][config]) for model in MODELS for config in CONFIGS]
    assert len(set(figures)) == 4, figures
    assert all(0 < figure < 1 for figure in figures)
    assert all(len(ground.ours[m][c]) == len(ground.items) for m in MODELS for c in CONFIGS)


def test_inspect_runs_the_choice_forms_by_eval_yaml_and_counts_as_we_do(
    ground: Ground, tmp_path: Path
) -> None:
    """`inspect eval hf/OWNER/NAME` is all that somebody needs to repeat our choices on a model of theirs."""
    names = ",".join(f"openai-api/near/{name}" for name in MODELS)
    ground.run(
        tmp_path, "inspect", "eval", "hf/acme/bench@v1.0.0", "--model", names, "--display", "none", "--max-connections", "50",
        "--log-format", "json", "--log-dir", tmp_path / "logs",
    )  # fmt: skip
    logs = [json.loads(path.read_text()) for path in (tmp_path / "logs").glob("*.json")]
    told = {}
    for log in logs:
        assert log["status"] == "success"
        model, config = (
            log["eval"]["model"].rpartition("/")[2],
            log["eval"]["task"].rpartition("/")[2],
        )
        accuracy = log["results"]["scores"][0]["metrics"]["accuracy"]["value"]
        right = {
            sample["metadata"]["item_id"]: sample["scores"]["pattern"]["value"] == "C"
            for sample in log["samples"]
        }
        told[model, config] = (accuracy, right)
    assert set(told) == {(model, config) for model in MODELS for config in CONFIGS}
    for (model, config), (accuracy, right) in told.items():
        assert right == ground.ours[model][config], (model, config)
        assert accuracy == pytest.approx(share(right), abs=1e-12)


@pytest.mark.parametrize(("model", "hub"), [("messy", ""), ("offline-fake-aligned", "acme/bench")])
def test_lm_eval_runs_the_choice_forms_by_its_files_and_counts_as_we_do(
    ground: Ground, tmp_path: Path, model: str, hub: str
) -> None:
    """The same from the folder as from the Hub, item by item, however the reply is put."""
    out = tmp_path / "tasks"
    options = ["--format", "lm-eval", "--out", str(out), *(["--hub", hub] if hub else [])]
    run_command(ground.workspace, "export", "1.0.0", *options)
    ground.run(
        tmp_path, "lm_eval", "--model", "local-chat-completions", "--model_args",
        f"model={model},base_url={ground.url}/chat/completions,num_concurrent=8,tokenized_requests=False",
        "--tasks", "bench_choice", "--include_path", out, "--apply_chat_template",
        "--system_instruction", "You are a helpful assistant.",
        "--log_samples", "--output_path", tmp_path / "results",
    )  # fmt: skip
    (path,) = (tmp_path / "results").rglob("results_*.json")
    results: dict[str, Any] = json.loads(path.read_text())["results"]
    for order, config in enumerate(CONFIGS, start=1):
        task = f"bench_choice_order_{order}"
        (samples,) = (tmp_path / "results").rglob(f"samples_{task}_*.jsonl")
        right = {row["doc"]["item_id"]: row["exact_match"] == 1.0 for row in read_rows(samples)}
        assert right == ground.ours[model][config]
        assert results[task]["exact_match,letter"] == pytest.approx(share(right), abs=1e-12)


LIKELIHOODS = """
import json, sys
from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

likelier = json.load(open(sys.argv[1]))

class Known(LM):
    def loglikelihood(self, requests):
        told = []
        for request in requests:
            context, letter = request.args
            told.append((-0.1 if likelier[context] == letter.strip() else -5.0, False))
        return told
    def loglikelihood_rolling(self, requests): raise NotImplementedError
    def generate_until(self, requests): raise NotImplementedError

manager = TaskManager(include_path=sys.argv[2], include_defaults=False)
made = simple_evaluate(model=Known(), tasks=["bench_choice_loglikelihood"], task_manager=manager)
print(json.dumps({task: row["acc,none"] for task, row in made["results"].items() if "order" in task}))
"""


def test_lm_eval_compares_likelihoods_of_the_letters(ground: Ground, tmp_path: Path) -> None:
    """A base model gives no letter: the likelier one counts, and the right one is that of the order."""
    run_command(
        ground.workspace, "export", "1.0.0", "--format", "lm-eval", "--out", str(tmp_path / "tasks")
    )
    letters, right = {}, {}
    _, rows, _ = read_release(ground.workspace)
    for config, first in zip(CONFIGS, (True, False), strict=True):
        chosen = []
        for row in rows:
            positive = (
                row["order_1_positive"] if first else "AB".replace(row["order_1_positive"], "")
            )
            texts = [row["positive_option"], row["negative_option"]]
            a, b = texts if positive == "A" else reversed(texts)
            prompt = f"{row['question']}\nA. {a}\nB. {b}\nAnswer:"
            letters[prompt] = "A" if hashlib.sha256(prompt.encode()).digest()[0] % 3 else "B"
            chosen.append(letters[prompt] == positive)
        right[f"bench_choice_loglikelihood_{config.removeprefix('mcq_')}"] = sum(chosen) / len(
            chosen
        )
    (tmp_path / "letters.json").write_text(json.dumps(letters))
    told = ground.run(
        tmp_path, "python", "-c", LIKELIHOODS, tmp_path / "letters.json", tmp_path / "tasks"
    )
    assert json.loads(told.stdout.splitlines()[-1]) == pytest.approx(right)
    assert len(set(right.values())) == 2
