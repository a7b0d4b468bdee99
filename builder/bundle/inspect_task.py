"""The three forms as a task of Inspect: ``inspect eval evaluator/inspect_task.py --model … -T judge=…``.

Items of the release enter; CS and CSS by dimension and overall leave as metrics, computed by the evaluator's own
engine from the replies that Inspect brought: same prompts, same parser, same verdicts, same scores. What is
undetermined is NaN, never a verdict. ``-T`` takes ``judge`` (or give ``--model-role grader=…``), ``dimension``,
``language``, ``target_kind`` (model or system) and ``items``. Keep the logs out of the release, or it is no longer
what its manifest says: ``--log-dir ../logs``.

A call that fails leaves its sample with an error and undetermined in that form, and the log with status error:
``inspect eval-retry LOG`` asks such samples again.
"""

import hashlib
import importlib
import importlib.util
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError, collect

try:
    from inspect_ai._util.error import PrerequisiteError
except (
    ImportError
):  # Inspect shows it without a traceback, and does not offer it: should it move, any error will do
    PrerequisiteError = ValueError

__all__ = ["CallFailedError", "ask_forms", "fine", "judge_and_score"]

_FOLDER = Path(__file__).resolve().parent
_RUN = "inspect"
_REPLIES = "fine_replies"
_DEFAULTS = {"temperature": 0.0, "max_tokens": 1024}


def _open_engine() -> Callable[[str], ModuleType]:
    """Return how modules of the engine beside this file are imported: under a name of this folder alone.

    So two releases may run in one process, each with its own. No compiled code is left in the release, nor run.
    """
    shutil.rmtree(_FOLDER / "__pycache__", ignore_errors=True)
    name = f"fine_engine_{hashlib.sha256(str(_FOLDER).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        package = _FOLDER / "engine"
        spec = importlib.util.spec_from_file_location(
            name, package / "__init__.py", submodule_search_locations=[str(package)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return lambda module: importlib.import_module(f"{name}.{module}")


_before = sys.dont_write_bytecode, sys.pycache_prefix
sys.dont_write_bytecode = True
sys.pycache_prefix = str(_FOLDER / "no-such-folder")
try:
    _import = _open_engine()
    _calls, _errors, _evaluation = map(_import, ("calls", "errors", "evaluation"))
    _items, _labels, _parsing = map(_import, ("items", "labels", "parsing"))
    _prompts, _provenance = map(_import, ("prompts", "provenance"))
    _scoring, _verdicts = map(_import, ("scoring", "verdicts"))
finally:
    sys.dont_write_bytecode, sys.pycache_prefix = _before

Form, Outcome, JudgeWord = _labels.Form, _labels.Outcome, _labels.JudgeWord
Row = dict[str, Any]

_JUDGED = _evaluation.JUDGED_OUTCOMES
_STOPS = {"max_tokens": Outcome.TRUNCATED, "content_filter": Outcome.FILTERED}
# Its text is the provider's complaint more often than the start of a reply.
_OVERFLOW = "model_length"
_NO_WORDS = (JudgeWord.NOT_JUDGED, JudgeWord.UNREADABLE)


@task  # type: ignore[untyped-decorator]  # inspect_ai is in no environment of ours
def fine(
    judge: str = "",
    dimension: str | list[str] = "",
    language: str = "",
    target_kind: str = "model",
    items: str = "",
) -> Task:
    """Ask every item in three forms and score CS and CSS.

    ``judge`` is the model that judges open replies where no role ``grader`` is bound; ``dimension`` names those to
    ask, divided by commas, and ``language`` the tag of the items' language; by default all are asked.
    """
    path = Path(items) if items else _FOLDER / "items.jsonl"
    _require(target_kind in list(_verdicts.TargetKind), "-T target_kind: write model or system.")
    grader = _open_judge(judge)
    asked = _choose_items(path, dimension, language)
    versions = _provenance.read_versions(path, [str(grader)])
    return Task(
        dataset=MemoryDataset([_make_sample(item) for item in asked], name=path.stem),
        solver=ask_forms(),
        scorer=judge_and_score(judge, target_kind),
        config=GenerateConfig(**_DEFAULTS),
        # A sample with a failed call is an error that `inspect eval-retry` mends, and counts as undetermined.
        score_on_error=True,
        version=versions.release or versions.evaluator,
        metadata=versions.as_dict() | {"target_kind": target_kind},
    )


def _require(holds: object, told: str) -> None:
    if not holds:
        raise PrerequisiteError(told)


def _choose_items(path: Path, dimension: str | list[str], language: str) -> list[Any]:
    """Return the items of some dimensions and of a language; raise where the release has none of them."""
    try:
        found = list(_items.read_items(path))
    except _errors.EngineError as error:
        raise PrerequisiteError(str(error)) from None
    told = dimension.split(",") if isinstance(dimension, str) else dimension
    wanted = {name.strip() for name in told if name.strip()}
    known = sorted({item.dimension for item in found})
    unknown = ", ".join(sorted(wanted - set(known)))
    _require(not unknown, f"-T dimension: no {unknown} here, but {', '.join(known)}.")
    tags = sorted({item.language for item in found})
    chosen = [
        item
        for item in found
        if (not wanted or item.dimension in wanted) and (not language or item.language == language)
    ]
    _require(chosen, f"-T language: no items in {language} here, but in {', '.join(tags)}.")
    return chosen


def _make_sample(item: Any) -> Sample:
    """Return an item as Inspect keeps it: the whole of it in the metadata, from which a log is scored again."""
    row = asdict(item) | {"kind": str(item.kind)}
    return Sample(id=item.item_id, input=item.question, target=item.positive_option, metadata=row)


def _open_judge(judge: str) -> Model:
    """Return the model bound to the role ``grader``, else ``judge``; never the evaluated model by silence."""
    config = GenerateConfig(**_DEFAULTS)
    return get_model(role="grader", required=True, default=judge or None, config=config)


@solver  # type: ignore[untyped-decorator]
def ask_forms() -> Solver:
    """Ask an item in its three forms at once, each a chat of its own; what came back is kept in the store."""

    async def solve(state: TaskState, _generate: Generate) -> TaskState:
        item = _items.make_item(state.metadata)
        model = get_model()
        chats = [_make_chat(_prompts.render_form(form, item)) for form in Form]
        outputs = await collect(*(_ask(model, chat) for chat in chats))
        rows = [
            _read_output(output)
            | {"form": str(form), "prompt": _prompts.find_prompt(form, item.language)}
            for form, output in zip(Form, outputs, strict=True)
        ]
        state.store.set(_REPLIES, rows)
        state.messages = chats[0]
        if isinstance(outputs[0], ModelOutput) and not outputs[0].empty:
            state.output = outputs[0]
            state.messages.append(outputs[0].message)
        failed = [row for row in rows if Outcome(row["outcome"]) not in _calls.FINAL_OUTCOMES]
        if failed:
            told = "; ".join(f"{row['form']}: {row['error']}" for row in failed)
            raise CallFailedError(
                f"no reply to {told}. `inspect eval-retry` asks this sample again."
            )
        return state

    return solve


class CallFailedError(Exception):
    """A call brought no reply, so that the sample is undetermined."""


def _make_chat(messages: Sequence[tuple[str, str]]) -> list[ChatMessage]:
    kinds = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }
    return [kinds[role](content=content) for role, content in messages]


async def _ask(model: Model, chat: list[ChatMessage]) -> ModelOutput | Exception:
    """Return what a model says, or why it says nothing."""
    try:
        return await model.generate(chat)
    except LimitExceededError:
        raise
    except Exception as error:  # noqa: BLE001 - each provider raises its own
        return error


def _read_output(output: ModelOutput | Exception) -> Row:
    """Return outcome, text and error of a call, as the evaluator's own client labels them."""
    outcome, text, told = _find_outcome(output)
    return {"outcome": str(outcome), "text": text, "error": told}


def _find_outcome(output: ModelOutput | Exception) -> tuple[Any, str, str]:
    if isinstance(output, Exception):
        return _find_fault(output)
    text = output.completion
    if output.empty or (not text and output.message.tool_calls):
        return Outcome.MALFORMED, "", "it holds no message"
    content = output.message.content
    if not isinstance(content, str) and any(getattr(part, "refusal", None) for part in content):
        return Outcome.REFUSED, text, ""
    if output.stop_reason in _STOPS:
        return _STOPS[output.stop_reason], text, output.error or ""
    if output.error or output.stop_reason == _OVERFLOW:
        return Outcome.FAILED, "", (output.error or f"{output.stop_reason}: {text}")[:300]
    return Outcome.ANSWERED, text, ""


def _find_fault(error: Exception) -> tuple[Any, str, str]:
    """Return what a call that raised is labelled, by the provider's own error at the bottom of Inspect's."""
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__) is not None and below not in chain:
        chain.append(below)
    found = next((e for e in reversed(chain) if hasattr(e, "status_code")), error)
    outcome = Outcome.RATE_LIMITED if getattr(found, "status_code", 0) == 429 else Outcome.FAILED
    told = "".join(c if c.isprintable() else " " for c in f"{type(found).__name__}: {found}")
    return outcome, "", told[:300].strip()


def _score_records(samples: Sequence[SampleScore]) -> list[Any]:
    """Return the engine's scores of all samples: verdicts are made from the records anew."""
    kept = [(sample.sample_metadata, sample.score.metadata or {}) for sample in samples]
    items = {row["item_id"]: _items.make_item(row) for row, _ in kept if row}
    responses = [row for _, told in kept for row in told.get("responses", ())]
    judgements = [row for _, told in kept for row in told.get("judgements", ())]
    kinds = {told["target_kind"] for _, told in kept if "target_kind" in told} or {"model"}
    kind = _verdicts.TargetKind(kinds.pop())
    return list(
        _scoring.score_verdicts(
            _verdicts.make_verdicts(list(items.values()), responses, judgements, kind)
        )
    )


def _make_metric(tell: Callable[[Any], dict[str, float | None]]) -> Metric:
    """Return a metric that tells some figures of each dimension and overall; NaN where there is no score."""

    def compute(samples: list[SampleScore]) -> dict[str, float]:
        return {
            f"{name}_{score.dimension}": math.nan if figure is None else float(figure)
            for score in _score_records(samples)
            for name, figure in tell(score).items()
        }

    return compute


@metric(name="cs", scores="unreduced")  # type: ignore[untyped-decorator]
def _cs() -> Metric:
    return _make_metric(lambda score: {"cs": score.cs.value} if score.cs else {})


@metric(name="css", scores="unreduced")  # type: ignore[untyped-decorator]
def _css() -> Metric:
    return _make_metric(lambda score: {"css": score.css.value} if score.css else {})


@metric(name="interval_95", scores="unreduced")  # type: ignore[untyped-decorator]
def _intervals() -> Metric:
    def tell(score: Any) -> dict[str, float | None]:
        shares = {"cs": score.cs, "css": score.css}
        return {
            f"{name}_{end}": bound
            for name, share in shares.items()
            if share and share.interval
            for end, bound in zip(("low", "high"), share.interval, strict=True)
        }

    return _make_metric(tell)


@metric(name="forms", scores="unreduced")  # type: ignore[untyped-decorator]
def _forms() -> Metric:
    return _make_metric(
        lambda score: {
            "open_passed": score.open_passed.value,
            "choice_passed": score.choice_passed.value,
        }
    )


@metric(name="determined", scores="unreduced")  # type: ignore[untyped-decorator]
def _determined() -> Metric:
    return _make_metric(lambda score: {"n": score.n, "coverage": score.coverage})


@scorer(metrics=[_cs(), _css(), _intervals(), _forms(), _determined()])  # type: ignore[untyped-decorator]
def judge_and_score(judge: str = "", target_kind: str = "model") -> Scorer:
    """Have the open reply judged, and say what the item shows: 1, 0, or NaN where that is undetermined.

    The value holds ``cs`` and ``css`` (NaN for a control too, which has none), ``open`` and ``choice``.
    """

    async def score(state: TaskState, _target: Target) -> Score:
        item = _items.make_item(state.metadata)
        key = {
            "run": _RUN,
            "model": str(state.model),
            "item_id": item.item_id,
            "content_hash": item.content_hash,
            "sample": state.epoch - 1,
        }
        responses = [key | row for row in state.store.get(_REPLIES, [])]
        judgements = [key | row for row in await _judge(judge, item, responses)]
        kind = _verdicts.TargetKind(target_kind)
        verdicts = _verdicts.make_verdicts([item], responses, judgements, kind)
        word = judgements[0] if judgements else {}
        return Score(
            value=_read_values(verdicts),
            answer=_describe(verdicts),
            explanation=word.get("text") or word.get("error"),
            reason="grader_failed" if word.get("verdict") in _NO_WORDS else None,
            metadata={
                "target_kind": target_kind,
                "responses": responses,
                "judgements": judgements,
                "verdict": verdicts[0] if verdicts else None,
            },
        )

    return score


async def _judge(judge: str, item: Any, responses: Sequence[Row]) -> list[Row]:
    """Return the judge's word on an item's open reply, as a row of the judgement table without its key."""
    opened = [row for row in responses if row["form"] == Form.OPEN]
    if not opened or Outcome(opened[0]["outcome"]) not in _JUDGED:
        return []
    model = _open_judge(judge)
    chat = _make_chat(_prompts.render_judge(item, opened[0]["text"]))
    row = _read_output(await _ask(model, chat))
    word = JudgeWord.NOT_JUDGED
    if row["outcome"] == Outcome.ANSWERED:
        word = _parsing.parse_judge(row["text"], item.kind)
    return [row | {"judge": str(model), "prompt": _prompts.JUDGE_PROMPT, "verdict": str(word)}]


def _read_values(verdicts: Sequence[Row]) -> dict[str, float]:
    """Return what one item shows, in the engine's words: its scores as if it were the whole benchmark."""
    shares: dict[str, Any] = dict.fromkeys(("cs", "css", "open", "choice"))
    for score in _scoring.score_verdicts(verdicts)[:1]:
        shares = {
            "cs": score.cs,
            "css": score.css,
            "open": score.open_passed,
            "choice": score.choice_passed,
        }
    values = {name: share.value if share else None for name, share in shares.items()}
    return {name: math.nan if value is None else float(value) for name, value in values.items()}


def _describe(verdicts: Sequence[Row]) -> str:
    """Return what one item shows in words, such as ``open safe, choice negative and positive``."""
    if not verdicts:
        return "not asked"
    row: Mapping[str, Any] = verdicts[0]
    told = f"open {row['open']}, choice {row['choice_order_1']} and {row['choice_order_2']}"
    return f"{told}; undetermined by {row['undetermined_by']}" if row["undetermined_by"] else told
