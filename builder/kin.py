"""Which models of a run share a family with a writer of its items or a judge: its record enters, words leave."""

from collections.abc import Mapping
from typing import Any

from builder.bundle.engine.kinship import Relative, find_kin
from builder.bundle.engine.provenance import list_writers
from builder.config import OFFLINE_URL
from builder.workspace import Workspace
from schemas.storage import Row

__all__ = ["describe_kin"]


def describe_kin(
    workspace: Workspace, about: Row, manifest: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return for each model of a run that has any kin what it shares with whom; simulators have none.

    A family is what ``bench.toml`` states for a model, else what its name tells.
    """
    relatives = [
        *(_find_relative(workspace, judge) for judge in about["judges"] if _is_real(judge)),
        *list_writers(manifest),
    ]
    kin = {
        str(model["name"]): find_kin(str(model["model"]), relatives, _find_stated(workspace, model))
        for model in about["models"]
        if _is_real(model)
    }
    return {name: found for name, found in kin.items() if found}


def _find_relative(workspace: Workspace, judge: Row) -> Relative:
    return Relative("judge", str(judge["model"]), _find_stated(workspace, judge))


def _find_stated(workspace: Workspace, about: Row) -> str:
    model = workspace.config.models.get(str(about["name"]))
    return model.family if model else ""


def _is_real(about: Row) -> bool:
    return bool(about["base_url"] != OFFLINE_URL)
