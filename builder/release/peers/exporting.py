"""A release for other tools: its folder and the tool enter; the texts of the tool's files leave."""

from enum import StrEnum
from typing import Any

from builder.checks.contamination.references import parse_hub_address
from builder.release.peers.eval_yaml import make_eval_yaml
from builder.release.peers.label_studio import make_label_studio_files
from builder.release.peers.lm_eval import ChoiceData, make_lm_eval_files
from builder.release.peers.yaml_texts import CHOICE_CONFIGS
from builder.release.reading import ReleaseData, make_tag
from builder.workspace import Workspace
from schemas.errors import StorageError, UsageError

__all__ = ["Peer", "make_peer_files"]


class Peer(StrEnum):
    """The tools that a release is written for."""

    INSPECT = "inspect"
    LM_EVAL = "lm-eval"
    LABEL_STUDIO = "label-studio"


def make_peer_files(
    workspace: Workspace, release: ReleaseData, peer: Peer, *, hub: str = ""
) -> dict[str, str]:
    """Return the files that a tool reads, as name of the file to its text.

    ``hub`` is ``OWNER/NAME[@REVISION]`` of the dataset from which lm-evaluation-harness loads the items, by
    default at the release's tag (see `make_tag`); without it, it loads them from the release's folder. Raises
    `StorageError` where the folder lacks them, `UsageError` for a name of another form.
    """
    match peer:
        case Peer.INSPECT:
            title = workspace.config.title
            text = make_eval_yaml(release.name, title, release.split, release.language)
            return {"eval.yaml": text}
        case Peer.LM_EVAL:
            data = _find_on_hub(release, hub) if hub else _find_files(release)
            return make_lm_eval_files(
                release.name, release.version, data, release.split, release.language
            )
        case Peer.LABEL_STUDIO:
            return make_label_studio_files(
                release.rows,
                workspace.taxonomy,
                version=release.version,
                seed=workspace.config.seed,
            )


def _find_on_hub(release: ReleaseData, hub: str) -> ChoiceData:
    parts = parse_hub_address(hub, f"--hub {hub}", "OWNER/NAME or OWNER/NAME@REVISION")
    if parts["config"] or parts["split"]:
        raise UsageError(f"--hub {hub}: config and split are known. Write {parts['name']}.")
    revision = {"revision": parts["revision"] or make_tag(release.version)}
    return {
        config: {"dataset_path": parts["name"], "dataset_name": config, "dataset_kwargs": revision}
        for config in CHOICE_CONFIGS
    }


def _find_files(release: ReleaseData) -> ChoiceData:
    folder, split = release.path, release.split
    found: dict[str, dict[str, Any]] = {}
    for config in CHOICE_CONFIGS:
        files = sorted((folder / "data" / config).glob(f"{split}-*.parquet"))
        if not files:
            raise StorageError(
                f"{folder}: there is no data/{config}/{split}-*.parquet. Get the release anew."
            )
        # Absolute: the harness takes a relative path from wherever it is started.
        paths = [str(path.resolve()) for path in files]
        found[config] = {
            "dataset_path": "parquet",
            "dataset_kwargs": {"data_files": {split: paths if len(paths) > 1 else paths[0]}},
        }
    return found
