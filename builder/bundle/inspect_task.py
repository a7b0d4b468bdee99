"""The three forms as a task of Inspect: ``inspect eval evaluator/inspect_task.py --model … -T judge=…``.

Items of the release enter; CS and CSS by dimension and overall leave as metrics, computed by the evaluator's own
engine from the replies that Inspect brought: same prompts, same parser, same verdicts, same scores. What is
undetermined is NaN, never a verdict. Parameters are told at `fine`; ``--epochs`` draws several samples. Keep the logs
out of the release, or it is no longer what its manifest says: ``--log-dir ../logs``.

A call that fails leaves its sample with an error, undetermined in that form, and the log with status error:
``inspect eval-retry LOG`` asks such samples again. Of judges, ``inspect score LOG`` asks again.
"""

import hashlib
import importlib
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
    model_roles,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError, collect

try:  # the error that Inspect shows without a traceback is not among what it offers: any other will do
    from inspect_ai._util.error import PrerequisiteError
except ImportError:
    PrerequisiteError = ValueError

__all__ = ["CallFailedError", "ask_forms", "fine", "judge_and_score"]

_FOLDER = Path(__file__).resolve().parent
_RUN, _REPLIES = "inspect", "fine_replies"
_CONFIG = {"temperature": 0.0, "max_tokens": 1024}


def _open_engine() -> Callable[[str], ModuleType]:
    """Return how modules of the engine beside this file are imported: under a name of this folder alone.

    So two releases may run in one process, each with its own. No compiled code is left in the release, nor run.
    """
    shutil.rmtree(_FOLDER / "__pycache__", ignore_errors=True)
    name = f"fine_engine_{hashlib.sha256(str(_FOLDER).encode()).hexdigest()[:12]}"
    package = sys.modules.setdefault(name, ModuleType(name))
    package.__path__ = [str(_FOLDER / "engine")]
    return lambda module: importlib.import_module(f"{name}.{module}")


_before = sys.dont_write_bytecode, sys.pycache_prefix
sys.dont_write_bytecode, sys.pycache_prefix = True, str(_FOLDER / "no-such-folder")
try:
    _import = _open_engine()
    _calls, _errors, _evaluation = map(_import, ("calls", "errors", "evaluation"))
    _items, _judging, _labels = map(_import, ("items", "judging", "labels"))
    _manner, _prompts, _provenance = map(_import, ("manner", "prompts", "provenance"))
    _scoring, _verdicts = map(_import, ("scoring", "verdicts"))
finally:
    sys.dont_write_bytecode, sys.pycache_prefix = _before

Form, Outcome, JudgeWord = _labels.Form, _labels.Outcome, _labels.JudgeWord
Row = dict[str, Any]
Names = str | list[str]
"""Names divided by commas; Inspect takes them apart itself where there are several."""

_STOPS = {"max_tokens": Outcome.TRUNCATED, "content_filter": Outcome.FILTERED}
# Its text is the provider's complaint more often than the start of a reply.
_OVERFLOW = "model_length"
_NOTHING = [
    {
        "form": str(form),
        "outcome": str(Outcome.FAILED),
        "text": "",
        "error": "not asked",
        "call": "",
    }
    for form in Form
]
"""What is recorded of a sample that ended before its calls did, such as by a limit of Inspect's."""


class CallFailedError(Exception):
    """A call brought no reply, so that its sample is undetermined in that form."""


@task  # type: ignore[untyped-decorator]  # inspect_ai is in no environment of ours
def fine(
    judge: Names = "",
    dimension: Names = "",
    language: str = "",
    style: str = "default",
    system: str | None = None,
    target_kind: str = "model",
    judge_prompt: str = "",
    items: str = "",
) -> Task:
    """Ask every item in three forms and score CS and CSS.

    ``judge`` names who judges open replies where the role ``grader`` is bound to nobody; several decide by majority,
    and ``judge_prompt`` is a file with a prompt of one's own. ``dimension`` and ``language`` narrow what is asked.
    ``style`` (default, reasoning, plain) and ``system`` (``'system=""'`` sends none) say how, and ``target_kind`` (model, system) what a provider's
    filter means: as the options of ``evaluator run`` do.
    """
    path = Path(items) if items else _FOLDER / "items.jsonl"
    try:
        manner = _manner.Manner(_read_label(_manner.ChoiceStyle, style, "style"), system)
        kind = _read_label(_verdicts.TargetKind, target_kind, "target_kind")
        asked = _choose_items(path, dimension, language)
        judges = [str(model) for model in _find_judges(judge)]
        _read_rubric(items, judge_prompt)
        versions = _provenance.read_versions(path, judges)
    except (_errors.EngineError, ValueError) as error:  # the latter by Inspect, of a model's name
        raise PrerequisiteError(str(error)) from None
    return Task(
        dataset=MemoryDataset([_make_sample(item) for item in asked], name=path.stem),
        solver=ask_forms(style, system),
        scorer=judge_and_score(judge, target_kind, judge_prompt, items),
        config=GenerateConfig(**_CONFIG),
        # A sample with a failed call is an error, which `inspect eval-retry` mends, and counts as undetermined.
        score_on_error=True,
        version=versions.release or versions.evaluator,
        metadata=versions.as_dict() | {"manner": manner.as_dict(), "target_kind": str(kind)},
    )


def _read_label(labels: Any, value: str, name: str) -> Any:
    if value not in list(labels):
        raise _errors.EngineError(f"-T {name}={value}: choose {', '.join(labels)}.")
    return labels(value)


def _split(names: Names) -> list[str]:
    told = names.split(",") if isinstance(names, str) else names
    return [name.strip() for name in told if name.strip()]


def _choose_items(path: Path, dimension: Names, language: str) -> list[Any]:
    """Return the items of some dimensions and of a language; raise `EngineError` where there are none."""
    found, wanted = _items.read_items(path), set(_split(dimension))
    known = sorted({item.dimension for item in found})
    if unknown := sorted(wanted - set(known)):
        raise _errors.EngineError(
            f"-T dimension: no {', '.join(unknown)} here, but {', '.join(known)}."
        )
    chosen = [
        item
        for item in found
        if (not wanted or item.dimension in wanted) and language in ("", item.language)
    ]
    if not chosen:
        tags = ", ".join(sorted({item.language for item in found}))
        raise _errors.EngineError(f"-T language={language}: no such item. They are in {tags}.")
    return chosen


def _make_sample(item: Any) -> Sample:
    """Return an item as Inspect keeps it: the whole of it in the metadata, from which a log is scored again."""
    row = asdict(item) | {"kind": str(item.kind)}
    return Sample(id=item.item_id, input=item.question, target=item.positive_option, metadata=row)


def _find_judges(names: Names) -> list[Model]:
    """Return the models bound to the role ``grader``, else those named; never the evaluated model by silence."""
    bound = model_roles().get("grader")
    models = bound if isinstance(bound, list) else [bound] if bound else _split(names)
    config = GenerateConfig(**_CONFIG)
    if not models:
        return [get_model(role="grader", required=True, config=config)]
    if bound and len(models) == 1:
        return [get_model(role="grader", config=config)]
    return [get_model(model, config=config) for model in models]


def _read_rubric(items: str, judge_prompt: str) -> Any:
    """Return what judges are told: the definitions of the release that the items are of, and a prompt of one's own."""
    manifest = _provenance.read_manifest(Path(items) if items else _FOLDER / "items.jsonl")
    template = _judging.read_template(Path(judge_prompt)) if judge_prompt else ""
    return _judging.Rubric(_judging.read_rubrics(manifest), template)


@solver  # type: ignore[untyped-decorator]
def ask_forms(style: str = "default", system: str | None = None) -> Solver:
    """Ask an item in its three forms at once, each a chat of its own; what came back is kept in the store."""
    manner = _manner.Manner(_manner.ChoiceStyle(style), system)

    async def solve(state: TaskState, _generate: Generate) -> TaskState:
        item, model = _items.make_item(state.metadata), get_model()
        endpoint = _calls.Endpoint(str(state.model), str(state.model))
        asked = {form: _make_call(endpoint, item, form, manner, state.epoch - 1) for form in Form}
        outputs = await collect(*(_ask(model, call) for call in asked.values()))
        replies = {
            form: _read_output(call.key, output)
            for (form, call), output in zip(asked.items(), outputs, strict=True)
        }
        state.store.set(_REPLIES, [_make_row(form, asked[form], replies[form]) for form in Form])
        state.messages = _make_chat(asked[Form.OPEN])
        if isinstance(outputs[0], ModelOutput) and not outputs[0].empty:
            state.output = outputs[0]
            state.messages.append(outputs[0].message)
        failed = [f"{form}: {reply.error}" for form, reply in replies.items() if not reply.is_final]
        if failed:
            raise CallFailedError(f"no reply to {'; '.join(failed)}. See `inspect eval-retry`.")
        return state

    return solve


def _make_call(endpoint: Any, item: Any, form: Any, manner: Any, sample: int) -> Any:
    prompt = _prompts.find_prompt(form, item.language, manner, item.kind)
    return _calls.Call(endpoint, _prompts.render_form(form, item, manner), sample, prompt=prompt)


def _make_row(form: Any, call: Any, reply: Any) -> Row:
    """Return a row of the response table, without what names its item."""
    told = {"outcome": str(reply.outcome), "text": reply.text, "error": reply.error}
    return {"form": str(form), "prompt": call.prompt, "call": call.key} | told


def _make_chat(call: Any) -> list[ChatMessage]:
    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser}
    return [kinds[role](content=content) for role, content in call.messages]


async def _ask(model: Model, call: Any) -> ModelOutput | Exception:
    """Return what a model says, or why it says nothing."""
    try:
        return await model.generate(_make_chat(call))
    except LimitExceededError:
        raise
    except Exception as error:  # noqa: BLE001 - each provider raises its own
        return error


def _read_output(key: str, output: ModelOutput | Exception) -> Any:
    """Return the reply of one call, labelled as the evaluator's own client labels it."""
    if isinstance(output, Exception):
        return _read_fault(key, output)
    text, content = output.completion, output.message.content if not output.empty else ""
    if output.empty or (not text and output.message.tool_calls):
        return _calls.Reply(key, Outcome.MALFORMED, error="it holds no message")
    if not isinstance(content, str) and any(getattr(part, "refusal", None) for part in content):
        return _calls.Reply(key, Outcome.REFUSED, text)
    if output.stop_reason in _STOPS:
        return _calls.Reply(key, _STOPS[output.stop_reason], text)
    if output.error or output.stop_reason in (_OVERFLOW, *([] if text else ["unknown"])):
        told = output.error or f"{output.stop_reason}: {text}"
        return _calls.Reply(key, Outcome.FAILED, error=told[:300])
    return _calls.Reply(key, Outcome.ANSWERED, text)


def _read_fault(key: str, error: Exception) -> Any:
    """Return the reply of a call that raised, told by the provider's own error at the bottom of Inspect's."""
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__) is not None and below not in chain:
        chain.append(below)
    found = next((e for e in reversed(chain) if hasattr(e, "status_code")), chain[-1])
    outcome = Outcome.RATE_LIMITED if getattr(found, "status_code", 0) == 429 else Outcome.FAILED
    told = "".join(c if c.isprintable() else " " for c in f"{type(found).__name__}: {found}")
    return _calls.Reply(key, outcome, error=told[:300].strip())


def _make_metric(tell: Callable[[Any], Mapping[str, float | None]]) -> Metric:
    """Return a metric that tells some figures of each dimension and overall; NaN where there is no score."""

    def compute(samples: list[SampleScore]) -> dict[str, float]:
        rows = [row for s in samples for row in (s.score.metadata or {}).get("verdicts", ())]
        return {
            f"{name}_{score.dimension}": _make_number(figure)
            for score in _scoring.score_verdicts(rows)
            for name, figure in tell(score).items()
        }

    return compute


def _make_number(figure: float | None) -> float:
    return math.nan if figure is None else float(figure)


@metric(name="cs", scores="unreduced")  # type: ignore[untyped-decorator]
def _cs() -> Metric:
    return _make_metric(lambda score: {"cs": score.cs.value} if score.cs else {})


@metric(name="css", scores="unreduced")  # type: ignore[untyped-decorator]
def _css() -> Metric:
    return _make_metric(lambda score: {"css": score.css.value} if score.css else {})


@metric(name="interval_95", scores="unreduced")  # type: ignore[untyped-decorator]
def _interval() -> Metric:
    def tell(score: Any) -> dict[str, float]:
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


@scorer(metrics=[_cs(), _css(), _interval(), _forms(), _determined()])  # type: ignore[untyped-decorator]
def judge_and_score(
    judge: Names = "", target_kind: str = "model", judge_prompt: str = "", items: str = ""
) -> Scorer:
    """Have the open reply judged, and say what the item shows: 1, 0, or NaN where that is undetermined.

    The value holds ``cs`` and ``css`` (NaN for a control too, which has none), ``open`` and ``choice``.
    """
    rubric = _read_rubric(items, judge_prompt)

    async def score(state: TaskState, _target: Target) -> Score:
        item = _items.make_item(state.metadata)
        key = {
            "run": _RUN,
            "model": str(state.model),
            "item_id": item.item_id,
            "content_hash": item.content_hash,
            "sample": state.epoch - 1,
        }
        asked = [key | row for row in state.store.get(_REPLIES, _NOTHING)]
        records = await _judge(_find_judges(judge), item, asked, rubric)
        kept = {"responses": records.responses, "judgements": records.judgements}
        kind = _verdicts.TargetKind(target_kind)
        verdicts = _verdicts.make_verdicts([item], *kept.values(), kind)
        told = [row["text"] or row["error"] for row in records.judgements]
        causes = " ".join(row["undetermined_by"] for row in verdicts)
        return Score(
            value=_read_values(verdicts),
            answer=_describe(verdicts),
            explanation="\n".join(told) or None,
            reason="grader_failed" if "judge:" in causes else None,
            metadata=kept | {"target_kind": target_kind, "verdicts": verdicts},
        )

    return score


async def _judge(judges: Sequence[Model], item: Any, responses: list[Row], rubric: Any) -> Any:
    """Return the records of an item with every judge's word on its open reply."""
    models = {str(model): model for model in judges}
    judging = _judging.Judging([_calls.Endpoint(name, name) for name in models], rubric)

    async def ask(calls: Iterable[Any], **_: object) -> dict[str, Any]:
        waiting = list(calls)
        outputs = await collect(*(_ask(models[call.endpoint.name], call) for call in waiting))
        pairs = zip(waiting, outputs, strict=True)
        return {call.key: _read_output(call.key, output) for call, output in pairs}

    return await _evaluation.judge_again([item], responses, judging, ask, run=_RUN)


def _read_values(verdicts: Sequence[Row]) -> dict[str, float]:
    """Return what one item shows, in the engine's words: its scores as if it were the whole benchmark."""
    scores = _scoring.score_verdicts(verdicts)[:1]
    shares = [(s.cs, s.css, s.open_passed, s.choice_passed) for s in scores] or [(None,) * 4]
    names = ("cs", "css", "open", "choice")
    values = (share.value if share else None for share in shares[0])
    return {name: _make_number(value) for name, value in zip(names, values, strict=True)}


def _describe(verdicts: Sequence[Row]) -> str:
    """Return what one item shows in words, such as ``open safe, choice negative and positive``."""
    for row in verdicts:
        told = f"open {row['open']}, choice {row['choice_order_1']} and {row['choice_order_2']}"
        cause = row["undetermined_by"]
        return f"{told}; undetermined by {cause}" if cause else told
    return "not asked"
