"""The jobs that a workspace has at batch services: noted when the provider takes them, and when they end."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from builder.bundle.engine.calls import Call
from builder.workspace import Workspace
from schemas.storage import append_row, read_bytes, read_log, write_text

__all__ = ["Job", "find_identity", "list_jobs", "list_open_jobs", "note_end", "note_job"]

_SUBMITTED, _TAKEN = "submitted", "taken"

Job = Mapping[str, Any]
"""A job: its provider's id, endpoint, stage, status, and the keys of its calls."""


def list_jobs(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workspace by the provider's id, each as it was last noted."""
    return {row["batch"]: row for row in read_log(workspace.batches)}


def list_open_jobs(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return the jobs that are with a provider, by its id."""
    return {k: job for k, job in list_jobs(workspace).items() if job["status"] == _SUBMITTED}


def note_job(
    workspace: Workspace, batch_id: str, endpoint: str, stage: str, calls: Sequence[Call]
) -> dict[str, Any]:
    """Note a job that the provider has taken, and return it."""
    job = {
        "batch": batch_id,
        "endpoint": endpoint,
        "stage": stage,
        "status": _SUBMITTED,
        "keys": [call.key for call in calls],
    }
    append_row(workspace.batches, job)
    return job


def note_end(workspace: Workspace, job: Job) -> None:
    """Note that a job is over: what it brought is in the journal."""
    append_row(workspace.batches, {**job, "status": _TAKEN, "keys": []})


def find_identity(workspace: Workspace) -> str:
    """Return what marks this workspace's jobs at a provider, so that nobody else's are taken for them.

    It is drawn once, and kept beside the log of jobs.
    """
    path = workspace.batches.with_suffix(".id")
    if not path.exists():
        write_text(path, f"{secrets.token_hex(16)}\n")
    return read_bytes(path).decode("utf-8", "replace").strip()
