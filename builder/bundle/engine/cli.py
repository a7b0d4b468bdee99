"""The evaluator's own command line: ``run`` asks a model and scores it, ``judge`` has its replies judged anew.

``score`` scores what was recorded, without asking anybody.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .calls import Endpoint
from .display import format_table
from .errors import EngineError
from .evaluation import Records, list_failures
from .fine_rules import format_fine_table, make_fine_verdicts, score_fine
from .interrupts import end_as_interrupted
from .items import Item, read_items
from .judging import Judging, Rubric, read_rubrics, read_template
from .kinship import Relative, find_kin
from .manner import ChoiceStyle, Manner
from .provenance import find_mapping, list_judges, list_writers, read_manifest, read_versions
from .running import (
    JUDGE_PREFIX,
    Plan,
    ask_judges,
    ask_models,
    join_records,
    read_about,
    read_earlier,
    read_records,
    write_results,
)
from .scoring import score_verdicts
from .settings import Defaults, Models, read_models, read_parameters
from .store import ReplyLog
from .verdicts import TargetKind, make_verdicts

__all__ = ["main"]

_RUN_EXAMPLE = "example: python -I evaluator run --model gpt-4o-mini --judge gpt-4o --out results"
_JUDGE_EXAMPLE = (
    "example: python -I evaluator judge results --judge gpt-4o --judge other --out again"
)
_SCORE_EXAMPLE = "example: python -I evaluator score results"

_USUAL_URL = "https://api.openai.com/v1"
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
    commands = parser.add_subparsers(required=True, metavar="{run,judge,score}")
    run = commands.add_parser("run", help="ask a model every item, then score", epilog=_RUN_EXAMPLE)
    run.set_defaults(command=_run)
    _add_run_options(run)
    judge = commands.add_parser(
        "judge",
        help="have the replies of a finished run judged anew, asking no model again",
        epilog=_JUDGE_EXAMPLE,
    )
    judge.set_defaults(command=_judge)
    judge.add_argument("results", type=Path, help="the folder of a finished run")
    score = commands.add_parser(
        "score", help="score recorded replies, without asking anybody", epilog=_SCORE_EXAMPLE
    )
    score.set_defaults(command=_score)
    score.add_argument(
        "records",
        type=Path,
        nargs="+",
        help="the folder of a run, or its responses.jsonl and judgements.jsonl",
    )
    score.add_argument(
        "--compatibility",
        action="store_true",
        help="read the replies by the rules of FINE's own script, which are wrong in places",
    )
    score.add_argument(
        "--judge", action="append", help="count this judge's words alone; repeatable"
    )
    for command in (run, judge):
        _add_asking_options(command)
    for command in (run, judge, score):
        _add_scoring_options(command, folder)
    return parser


def _add_run_options(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add("--model", action="append", required=True, help="model to evaluate; repeatable")
    add(
        "--style",
        type=ChoiceStyle,
        choices=list(ChoiceStyle),
        default=ChoiceStyle.DEFAULT,
        help="how a choice is put (default default)",
    )
    add("--system", help='text for the system in place of the prompt\'s own; "" sends none')
    add("--samples", type=int, default=1, help="times each form is asked (default 1)")


def _add_asking_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--judge",
        action="append",
        required=True,
        help="model that judges the open replies; several decide by majority",
    )
    add("--judge-prompt", type=Path, help="file with a judge prompt of your own")
    add("--models", type=Path, help="TOML file with a table [models.NAME] for each endpoint")
    add("--base-url", help=f"endpoint of models not in it (default {_USUAL_URL})")
    add("--key-variable", default="OPENAI_API_KEY", help="variable with its API key")
    add("--judge-base-url", help="the judges' endpoint (default: --base-url)")
    add("--judge-key-variable", help="its key (default: --key-variable)")
    add("--max-tokens", type=int, default=1024, help="limit of a reply (default 1024)")
    add(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help='further parameter of each request, such as reasoning_effort="low"; null drops one',
    )
    add("--concurrency", type=int, default=8, help="calls at once (default 8)")
    add("--out", type=Path, default=Path("results"), help="folder for the results")


def _add_scoring_options(command: argparse.ArgumentParser, folder: Path) -> None:
    add = command.add_argument
    add("--items", type=Path, default=folder / "items.jsonl", help="the items")
    add(
        "--as",
        dest="target_kind",
        type=TargetKind,
        choices=list(TargetKind),
        help="what is evaluated: decides what a provider's filter means (default model)",
    )
    add("--json", action="store_true", help="print the scores as JSON")


def _run(options: argparse.Namespace) -> int:
    models, items = read_models(options.models), read_items(options.items)
    defaults = _read_defaults(options)
    manner = Manner(options.style, options.system, options.samples)
    targets = [models.find(name, defaults) for name in dict.fromkeys(options.model)]
    judging = _read_judging(options, models)
    about = _describe_run(options, models, judging, options.model) | {"manner": manner.as_dict()}
    with ReplyLog(options.out / "replies.jsonl") as store:
        earlier = read_earlier(options.out, about, {target.name for target in targets})
        records = asyncio.run(ask_models(Plan(items, targets, judging, manner), store))
        return _finish(options, items, records, about, earlier)


def _judge(options: argparse.Namespace) -> int:
    models, items = read_models(options.models), read_items(options.items)
    recorded, folder = read_records([options.results])
    if folder.resolve() == options.out.resolve():
        raise EngineError(f"{folder} holds the run itself. Name another folder with --out.")
    judging = _read_judging(options, models)
    before = read_about(folder)
    options.target_kind = options.target_kind or _find_target_kind(before)
    targets = sorted({str(row.get("model")) for row in recorded.responses})
    about = {"manner": before.get("manner")} | _describe_run(options, models, judging, targets)
    with ReplyLog(options.out / "replies.jsonl") as store:
        earlier = read_earlier(options.out, about, targets)
        records = asyncio.run(ask_judges(items, recorded.responses, judging, store))
        return _finish(options, items, records, about, earlier)


def _score(options: argparse.Namespace) -> int:
    records, folder = read_records(options.records)
    options.target_kind = options.target_kind or _find_target_kind(read_about(folder))
    if options.judge:
        records = _keep_judges(records, options.judge)
    items = read_items(options.items)
    if options.compatibility:
        _report_by_fine(options, items, records)
    else:
        _report(options, items, records)
    return 0


def _report_by_fine(options: argparse.Namespace, items: tuple[Item, ...], records: Records) -> None:
    scores = score_fine(make_fine_verdicts(items, records.responses, records.judgements))
    if options.json:
        print(json.dumps([score.as_dict() for score in scores], indent=1, sort_keys=True))
    else:
        print(format_fine_table(scores))


def _find_target_kind(about: dict[str, Any]) -> TargetKind:
    told = about.get("target_kind")
    return TargetKind(told) if told in list(TargetKind) else TargetKind.MODEL


def _keep_judges(records: Records, names: Sequence[str]) -> Records:
    """Return the records with the words of some judges alone; raise `EngineError` where one said nothing."""
    known = list_judges(records.judgements)
    if unknown := sorted(set(names) - set(known)):
        raise EngineError(
            f"no word of {', '.join(unknown)} is recorded. Judges are {', '.join(known)}."
        )
    kept = [
        row
        for row in records.judgements
        if str(row.get("judge", "")).removeprefix(JUDGE_PREFIX) in names
    ]
    return Records(records.responses, kept)


def _read_defaults(options: argparse.Namespace) -> Defaults:
    parameters = read_parameters(options.max_tokens, options.parameter)
    url = options.base_url or _USUAL_URL
    is_stated = options.base_url is not None
    return Defaults(url, options.key_variable, parameters, options.concurrency, is_stated)


def _read_judging(options: argparse.Namespace, models: Models) -> Judging:
    """Return the judges, and the rubric of the release that the items are of."""
    told = options.judge_base_url or options.base_url
    defaults = Defaults(
        told or _USUAL_URL,
        options.key_variable if options.judge_key_variable is None else options.judge_key_variable,
        read_parameters(options.max_tokens, options.parameter),
        options.concurrency,
        told is not None,
    )
    judges: list[Endpoint] = [
        models.find(name, defaults, called=f"{JUDGE_PREFIX}{name}")
        for name in dict.fromkeys(options.judge)
    ]
    template = read_template(options.judge_prompt) if options.judge_prompt else ""
    return Judging(judges, Rubric(read_rubrics(read_manifest(options.items)), template))


def _describe_run(
    options: argparse.Namespace, models: Models, judging: Judging, targets: Sequence[str]
) -> dict[str, Any]:
    """Return what is recorded of a run: how, and which models share a family with a writer or judge."""
    relatives = [
        *(
            Relative("judge", j.model, models.find_family(j.name.removeprefix(JUDGE_PREFIX)))
            for j in judging.judges
        ),
        *list_writers(read_manifest(options.items)),
    ]
    kin = {
        name: find_kin(
            str(models.tables.get(name, {}).get("model", name)), relatives, models.find_family(name)
        )
        for name in dict.fromkeys(targets)
    }
    return {
        "target_kind": str(options.target_kind or TargetKind.MODEL),
        "judges": [judge.model for judge in judging.judges],
        "judge_prompt": judging.rubric.template,
        "kin": {name: found for name, found in kin.items() if found},
        "versions": read_versions(options.items, [j.model for j in judging.judges]).as_dict(),
    }


def _finish(
    options: argparse.Namespace,
    items: tuple[Item, ...],
    records: Records,
    about: dict[str, Any],
    earlier: Records,
) -> int:
    """Write the results, tell the scores, and what is still to be asked; return the exit code.

    Models of ``earlier`` runs into the same folder stay beside those of this one.
    """
    everything = join_records(earlier, records)
    known = {row["model"] for row in earlier.responses}
    kin = find_mapping(read_about(options.out), "kin") if known else {}
    about["kin"] = {name: kin[name] for name in sorted(known & kin.keys())} | about["kin"]
    write_results(options.out, everything, about)
    options.target_kind = options.target_kind or TargetKind.MODEL
    _report(options, items, everything)
    for name, found in about["kin"].items():
        print(f"{name} {'; '.join(found)}: rank it with care", file=sys.stderr)
    failures = list_failures(records)
    for reason, count in failures[:_MOST_REASONS]:
        print(f"{count} calls brought no reply: {reason}", file=sys.stderr)
    if failures:
        print("mend that and run the same command again: it asks these calls only", file=sys.stderr)
    return 1 if failures else 0


def _report(options: argparse.Namespace, items: Iterable[Item], records: Records) -> None:
    verdicts = make_verdicts(
        list(items), records.responses, records.judgements, options.target_kind
    )
    scores = score_verdicts(verdicts)
    if not scores:
        raise EngineError("the records hold no response. Give the responses.jsonl of a run.")
    versions = read_versions(options.items, list_judges(records.judgements))
    if missing := sum(":missing" in row["undetermined_by"] for row in verdicts):
        print(
            f"of {missing} of {len(verdicts)} items something is not on record: they are undetermined",
            file=sys.stderr,
        )
    if options.json:
        plain = [score.as_dict() | {"versions": versions.as_dict()} for score in scores]
        print(json.dumps(plain, indent=1, sort_keys=True))
    else:
        print(f"{format_table(scores)}\n{versions.describe()}")
