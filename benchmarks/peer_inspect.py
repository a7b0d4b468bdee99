"""The peer: inspect_ai, run in an environment of its own; a job enters as JSON, a file leaves.

Started as `call_methods` is. On the clock is one whole ``eval()``: its samples, its log. The time
from the first request to the last reply, read from that log, is told besides.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from call_methods import MODEL, Clock, take_usage
from workload import WARM_UP, make_texts

__all__ = ["evaluate"]


def evaluate(texts: list[str], base_url: str, concurrency: int, log_dir: Path) -> Any:
    """Run a minimal task on the texts, a sample each, and return its log."""
    from inspect_ai import Task
    from inspect_ai import eval as run_eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.solver import generate

    [log] = run_eval(
        Task(dataset=MemoryDataset([Sample(input=text) for text in texts]), solver=generate()),
        model=f"openai-api/local/{MODEL}",
        model_base_url=base_url,
        model_args={"api_key": "none"},
        max_connections=concurrency,
        log_dir=str(log_dir),
        display="none",
        score=False,
    )
    return log


def _find_times(log: Any) -> Iterator[tuple[datetime, datetime]]:
    """Yield when each request was sent and when its reply was there."""
    for sample in log.samples:
        for event in sample.events:
            if event.event == "model":
                yield event.timestamp, event.completed


def main(job: dict[str, Any]) -> None:
    """Do one job and write its facts to ``out``."""
    texts, out = make_texts(job["calls"])[:: job["step"]], Path(job["out"])
    log_dir = out.with_name("inspect-logs")
    clock = Clock()
    evaluate([WARM_UP], job["base_url"], job["concurrency"], log_dir)
    clock.start()
    log = evaluate(texts, job["base_url"], job["concurrency"], log_dir)
    clock.stop()
    replies = sum(bool(sample.output.completion) for sample in log.samples)
    facts = take_usage(replies, clock)
    times = list(_find_times(log))
    asked = max(end for _, end in times) - min(start for start, _ in times)
    out.write_text(json.dumps(facts | {"asking_s": asked.total_seconds()}), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
