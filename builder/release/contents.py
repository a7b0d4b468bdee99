"""What lies in a release folder: rows and manifest enter; every file leaves, its hash in the manifest last."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import builder.bundle
from builder.release.card import write_card
from builder.release.citation import write_citation
from builder.release.croissant import CROISSANT, make_croissant
from builder.release.figures import draw_figures
from builder.release.licences import read_own_license, write_license
from builder.release.reading import ITEMS, MANIFEST
from builder.release.splits import Part
from builder.release.tables import write_tables
from builder.release.votes import VOTES, list_votes
from builder.workspace import Workspace
from schemas.storage import Row, hash_file, write_text
from schemas.texts import canonical_rows

__all__ = ["write_folder"]


def write_folder(workspace: Workspace, folder: Path, part: Part, manifest: dict[str, Any]) -> None:
    """Write one folder of a release.

    ``manifest`` is completed with the hash of every file, and is itself the last file written.
    """
    write_tables(folder, part.rows, workspace.taxonomy, split=str(part.split))
    _copy_evaluator(folder / "evaluator")
    write_text(folder / ITEMS, canonical_rows(part.rows))
    shutil.copyfile(workspace.guidelines, folder / "guidelines.md")
    _write_texts(workspace, folder, part.rows, manifest)
    manifest["files"] = {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_text(folder / MANIFEST, text)


def _write_texts(
    workspace: Workspace, folder: Path, rows: Sequence[Row], manifest: dict[str, Any]
) -> None:
    """Write what is made from manifest and rows, and the curator's own licence text.

    The manifest is taken as a reader of the release finds it, so that the texts can be made again.
    """
    manifest = json.loads(json.dumps(manifest, sort_keys=True))
    texts = {
        "README.md": write_card(manifest, rows),
        "CITATION.cff": write_citation(manifest),
        "LICENSE": write_license(manifest["license"], read_own_license(workspace.root)),
        **draw_figures(manifest, rows),
    }
    if workspace.config.release.votes and workspace.list_rounds():
        texts[VOTES] = canonical_rows(list_votes(workspace, rows))
    for name, text in texts.items():
        write_text(folder / name, text)
    write_text(folder / CROISSANT, make_croissant(manifest, rows, folder))


def _copy_evaluator(target: Path) -> None:
    source = Path(builder.bundle.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target, ignore=ignored)
