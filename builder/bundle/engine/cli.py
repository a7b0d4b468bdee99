"""The evaluator's own command line: ``run`` asks a model and scores it, ``score`` scores records."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .calls import Call, Endpoint, Reply
from .client import Client
from .display import format_table
from .errors import EngineError
from .evaluation import Records, evaluate, list_failures
from .fan_out import FollowUp, Progress, run_calls
from .interrupts import end_as_interrupted
from .items import Item, read_items, read_jsonl
from .provenance import list_judges, read_versions
from .scoring import score_verdicts
from .store import ReplyLog
from .verdicts import TargetKind, make_verdicts

__all__ = ["main"]

_RUN_EXAMPLE = "example: python -I evaluator run --model gpt-4o-mini --judge gpt-4o --out results"
_SCORE_EXAMPLE = (
    "example: python -I evaluator score results/responses.jsonl results/judgements.jsonl"
)

_MOST_REASONS = 5


def main(arguments: Sequence[str] | None = None, *, folder: Path) -> int:
    """Run the command line; ``folder`` is where ``items.jsonl`` lies. Return the exit code."""
    options = _make_parser(folder).parse_args(arguments)
    end_as_interrupted()
    try:
        return int(options.command(options))
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on", file=sys.stderr)
        return 1


def _make_parser(folder: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluator",
        description="Score a model's Consistency Score and Consistent Safety Score.",
    )
    commands = parser.add_subparsers(required=True, metavar="{run,score}")
    run = commands.add_parser("run", help="ask a model every item, then score", epilog=_RUN_EXAMPLE)
    run.set_defaults(command=_run)
    _add_run_options(run)
    score = commands.add_parser(
        "score", help="score recorded replies, without asking anybody", epilog=_SCORE_EXAMPLE
    )
    score.set_defaults(command=_score)
    score.add_argument("responses", type=Path, help="responses.jsonl")
    score.add_argument("judgements", type=Path, help="judgements.jsonl")
    for command in (run, score):
        command.add_argument("--items", type=Path, default=folder / "items.jsonl", help="the items")
        command.add_argument(
            "--as",
            dest="target_kind",
            type=TargetKind,
            choices=list(TargetKind),
            default=TargetKind.MODEL,
            help="what is evaluated: decides what a provider's filter means (default model)",
        )
        command.add_argument("--json", action="store_true", help="print the scores as JSON")
    return parser


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--model", action="append", required=True, help="model to evaluate; repeatable"
    )
    run.add_argument("--base-url", default="https://api.openai.com/v1", help="its endpoint")
    run.add_argument("--key-variable", default="OPENAI_API_KEY", help="variable with its API key")
    run.add_argument("--judge", required=True, help="model that judges the open replies")
    run.add_argument("--judge-base-url", help="the judge's endpoint (default: --base-url)")
    run.add_argument("--judge-key-variable", help="its key (default: --key-variable)")
    run.add_argument("--max-tokens", type=int, default=1024, help="limit of a reply (default 1024)")
    run.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help='further parameter of each request, such as reasoning_effort="low"; null drops one',
    )
    run.add_argument("--concurrency", type=int, default=8, help="calls at once (default 8)")
    run.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")


def _run(options: argparse.Namespace) -> int:
    items = read_items(options.items)
    with ReplyLog(options.out / "replies.jsonl") as store:
        records = asyncio.run(_evaluate(options, items, store))
    _write_jsonl(options.out / "responses.jsonl", records.responses)
    _write_jsonl(options.out / "judgements.jsonl", records.judgements)
    _report(options, items, records)
    failures = list_failures(records)
    for reason, count in failures[:_MOST_REASONS]:
        print(f"{count} calls brought no reply: {reason}", file=sys.stderr)
    if failures:
        print("mend that and run the same command again: it asks these calls only", file=sys.stderr)
    return 1 if failures else 0


async def _evaluate(
    options: argparse.Namespace, items: tuple[Item, ...], store: ReplyLog
) -> Records:
    limits: dict[str, Any] = {
        "parameters": _read_parameters(options),
        "concurrency": options.concurrency,
    }
    targets = [
        Endpoint(name, name, options.base_url, options.key_variable, **limits)
        for name in dict.fromkeys(options.model)
    ]
    judge_url = options.judge_base_url or options.base_url
    judge_key = options.judge_key_variable or options.key_variable
    # The judge has a name of its own, so that a model can judge itself under other limits.
    judge = Endpoint(f"judge:{options.judge}", options.judge, judge_url, judge_key, **limits)
    clients = {endpoint.name: Client(endpoint) for endpoint in (*targets, judge)}

    async def ask(
        calls: Iterable[Call], *, follow_up: FollowUp | None = None, **_: object
    ) -> dict[str, Reply]:
        return await run_calls(calls, clients, store, follow_up=follow_up, on_reply=_show_progress)

    try:
        return await evaluate(items, targets, judge, ask, run="run")
    finally:
        for client in clients.values():
            await client.close()


def _read_parameters(options: argparse.Namespace) -> dict[str, Any]:
    parameters: dict[str, Any] = {"temperature": 0, "max_tokens": options.max_tokens}
    for told in options.parameter:
        name, _, value = told.partition("=")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            raise EngineError(f"--parameter {told}: write NAME=JSON, such as top_p=0.9.") from None
    return {name: value for name, value in parameters.items() if value is not None}


def _show_progress(progress: Progress) -> None:
    if progress.asked and progress.asked % 50 == 0:
        said = f"{progress.done} of {progress.planned} calls done, {progress.failed} failed"
        print(said, file=sys.stderr)


def _score(options: argparse.Namespace) -> int:
    responses = list(read_jsonl(options.responses))
    records = Records(responses, list(read_jsonl(options.judgements)))
    _report(options, read_items(options.items), records)
    return 0


def _report(options: argparse.Namespace, items: Sequence[Item], records: Records) -> None:
    verdicts = make_verdicts(items, records.responses, records.judgements, options.target_kind)
    scores = score_verdicts(verdicts)
    if not scores:
        raise EngineError("the records hold no response. Give the responses.jsonl of a run.")
    versions = read_versions(options.items, list_judges(records.judgements))
    if options.json:
        plain = [score.as_dict() | {"versions": versions.as_dict()} for score in scores]
        print(json.dumps(plain, indent=1, sort_keys=True))
    else:
        print(f"{format_table(scores)}\n{versions.describe()}")


def _write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise EngineError(f"{path}: cannot be written ({error.strerror}).") from error
