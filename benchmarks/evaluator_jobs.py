"""The ways to evaluate a model on a release, each in a process of its own: a job enters; its facts leave.

Started as ``python evaluator_jobs.py '{"method": …}'``. On the clock are all calls, with the keeping of their
replies; of the peer its whole ``eval()``. Imports are done before it starts. What ours takes from the replies to
the scores is told apart. The peer runs in an environment of its own.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["LABELS", "MODELS", "ROWS"]

LABELS = {
    "ours": "ours, every reply kept",
    "bare": "bare client: AsyncOpenAI, nothing kept",
    "in_turn": "one at a time, the authors' order",
    "inspect": "inspect_ai, our task, whole eval()",
}
MODELS, ROWS = 14, 1_000_000
_PATTERNS = 997

_MODEL = "latency"
_WARM_UP = "warm-up"

Job = dict[str, Any]


def _load_engine(job: Job) -> Path:
    """Put the evaluator of the release on the path, and return its folder."""
    folder = Path(job["release"]) / "evaluator"
    sys.path.insert(0, str(folder))
    return folder


def run_ours(job: Job) -> int:
    """Run the evaluator of the release, as its command line does; return the number of replies."""
    folder = _load_engine(job)
    import aiohttp  # noqa: F401 - imported before the clock starts, as the client is
    import openai  # noqa: F401
    from engine.calls import Endpoint
    from engine.items import read_items
    from engine.judging import Judging
    from engine.manner import Manner
    from engine.running import Plan, ask_models, write_results
    from engine.scoring import score_verdicts
    from engine.store import ReplyLog
    from engine.verdicts import make_verdicts

    def name(role: str) -> Endpoint:
        return Endpoint(role, _MODEL, job["base_url"], "", concurrency=job["slots"])

    items, out = read_items(folder / "items.jsonl"), Path(job["out"]).with_name("results")
    started = time.perf_counter()
    with ReplyLog(out / "replies.jsonl") as store:
        plan = Plan(items, [name("target")], Judging([name("judge")]), Manner())
        records = asyncio.run(ask_models(plan, store))
    job["seconds"] = time.perf_counter() - started
    started = time.perf_counter()
    write_results(out, records, {})
    scores = score_verdicts(make_verdicts(items, records.responses, records.judgements))
    job["scoring_s"] = time.perf_counter() - started
    assert scores[-1].n == scores[-1].items
    return len(records.responses) + len(records.judgements)


def _list_chats(job: Job) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each item with what it is asked: openly, and in both orders."""
    folder = _load_engine(job)
    from engine.items import read_items
    from engine.labels import Form
    from engine.prompts import render_form

    for item in read_items(folder / "items.jsonl")[:: job["step"]]:
        yield item, [render_form(form, item) for form in Form]


def _to_body(chat: Any) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in chat]


def run_in_turn(job: Job) -> int:
    """Ask one call at a time with the blocking client: question, judging, then the choices."""
    import openai

    client = openai.OpenAI(base_url=job["base_url"], api_key="none")
    chats = list(_list_chats(job))
    from engine.judging import render_judge

    def ask(chat: Any) -> str:
        reply = client.chat.completions.create(model=_MODEL, messages=_to_body(chat))  # type: ignore[arg-type]
        return reply.choices[0].message.content or ""

    ask((("user", _WARM_UP),))
    started = time.perf_counter()
    for item, (opened, first, second) in chats:
        ask(render_judge(item, ask(opened)))
        ask(first)
        ask(second)
    job["seconds"] = time.perf_counter() - started
    return 4 * len(chats)


def run_bare(job: Job) -> int:
    """Ask everything with the client alone, so many calls at once of the model and of the judge."""
    import openai

    chats = list(_list_chats(job))
    from engine.judging import render_judge

    async def work() -> int:
        client = openai.AsyncOpenAI(
            base_url=job["base_url"], api_key="none", http_client=openai.DefaultAioHttpClient()
        )
        slots = {role: asyncio.Semaphore(job["slots"]) for role in ("target", "judge")}

        async def ask(chat: Any, role: str = "target") -> str:
            async with slots[role]:
                reply = await client.chat.completions.create(model=_MODEL, messages=_to_body(chat))  # type: ignore[arg-type]
            return reply.choices[0].message.content or ""

        async def ask_openly(item: Any, opened: Any) -> None:
            await ask(render_judge(item, await ask(opened)), "judge")

        await ask((("user", _WARM_UP),))
        started = time.perf_counter()
        tasks: list[Awaitable[Any]] = [ask_openly(item, forms[0]) for item, forms in chats]
        tasks += [ask(forms[number]) for number in (1, 2) for _, forms in chats]
        await asyncio.gather(*tasks)
        job["seconds"] = time.perf_counter() - started
        await client.close()
        return 4 * len(chats)

    return asyncio.run(work())


def run_inspect(job: Job) -> int:
    """Run the release's task in inspect_ai, with its defaults."""
    import os

    from inspect_ai import eval as run_eval
    from inspect_ai.model import get_model

    def open_model() -> Any:
        return get_model(
            f"openai-api/local/{_MODEL}",
            base_url=job["base_url"],
            api_key="none",
            memoize=False,
        )

    folder = _load_engine(job)
    log_dir = str(Path(job["out"]).with_name("inspect-logs"))
    os.chdir(folder)  # inspect_ai finds tasks below the working folder alone
    started = time.perf_counter()
    [log] = run_eval(
        "inspect_task.py",
        model=open_model(),
        model_roles={"grader": open_model()},
        max_connections=job["slots"],
        log_dir=log_dir,
        display="none",
    )
    job["seconds"] = time.perf_counter() - started
    assert log.status == "success", log.error
    return 4 * len(log.samples or ())


def make_rows() -> Iterator[dict[str, Any]]:
    """Yield a million verdict rows of fourteen models and five dimensions, by a fixed pattern."""
    import random

    draw = random.Random(14).random  # noqa: S311 - a fixed pattern
    items = [f"i{number:06}" for number in range(ROWS // MODELS + 1)]
    for model in range(MODELS):
        rate, patterns = 0.3 + 0.04 * model, []
        for _ in range(_PATTERNS):
            first, second = ("positive" if draw() < rate else "negative" for _ in range(2))
            passed = "pass" if first == second == "positive" else "fail"
            patterns.append(("safe" if draw() < 0.9 else "unsafe", first, second, passed))
        for number, item in enumerate(items[: ROWS - model * len(items)]):
            opened, first, second, passed = patterns[number % _PATTERNS]
            yield {
                "run": "r",
                "model": f"m{model:02}",
                "item_id": item,
                "content_hash": "h",
                "sample": 0,
                "dimension": f"d{number % 5}",
                "kind": "safety",
                "family": item,
                "subsets": "leak_missed" if number % 7 == 0 else "",
                "order_1_positive": "AB"[number % 2],
                "open": opened,
                "choice_order_1": first,
                "choice_order_2": second,
                "multiple_choice": passed,
                "undetermined_by": "",
            }


def run_scoring(job: Job) -> int:
    """Score a million rows, made as they are read; the making is on the clock too, and told apart."""
    _load_engine(job)
    from engine.scoring import score_verdicts

    started = time.perf_counter()
    made = sum(1 for _ in make_rows())
    job["making_s"] = time.perf_counter() - started
    started = time.perf_counter()
    scores = score_verdicts(make_rows())
    job["seconds"] = time.perf_counter() - started
    assert len(scores) == MODELS * 6
    return made


METHODS: dict[str, Callable[[Job], int]] = {
    "ours": run_ours,
    "bare": run_bare,
    "in_turn": run_in_turn,
    "inspect": run_inspect,
    "scoring": run_scoring,
}


def main(job: Job) -> None:
    """Do one job and write its facts to ``out``."""
    replies = METHODS[job["method"]](job)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"seconds": job["seconds"], "replies": replies, "peak_mb": peak_mb}
    facts |= {name: job[name] for name in ("making_s", "scoring_s") if name in job}
    Path(job["out"]).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
