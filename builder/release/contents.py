"""What lies in a release folder: rows and manifest enter; every file leaves, its hash in the manifest last."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import builder.bundle
from builder.release.card.facts import has_votes
from builder.release.card.figures import draw_figures
from builder.release.card.tally import Tally, make_tally
from builder.release.card.writing import write_card
from builder.release.citation import write_citation
from builder.release.croissant import CROISSANT, make_croissant
from builder.release.licences import read_own_license, write_license
from builder.release.peers.eval_yaml import make_eval_yaml
from builder.release.reading import ITEMS, MANIFEST, find_main_language
from builder.release.tables import TableWriter
from builder.release.versions.changelog import CHANGELOG
from builder.release.votes import VOTES, list_votes
from builder.workspace import Workspace
from schemas.storage import Row, hash_file, write_text
from schemas.texts import canonical_rows

__all__ = ["write_data", "write_texts"]


_ROWS_AT_ONCE = 5_000


def write_data(folder: Path, rows: Sequence[Row], dimensions: Sequence[str], split: str) -> str:
    """Write the tables of a release folder and the evaluator's copy of them; return the rows' hash.

    ``dimensions`` are the ids that the release has items of. The hash is the SHA-256 of the rows as canonical
    JSON lines, which is what ``items.jsonl`` holds.
    """
    _copy_evaluator(folder / "evaluator")
    digest = hashlib.sha256()
    with (
        TableWriter(folder, list(rows[0]), dimensions, split) as tables,
        (folder / ITEMS).open("wb") as lines,
    ):
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            chunk = rows[start : start + _ROWS_AT_ONCE]
            tables.write(chunk)
            data = canonical_rows(chunk).encode("utf-8")
            digest.update(data)
            lines.write(data)
    return digest.hexdigest()


def write_texts(
    workspace: Workspace,
    folder: Path,
    rows: Sequence[Row],
    manifest: dict[str, Any],
    changelog: str,
) -> None:
    """Write all else of a release folder.

    ``manifest`` is completed with the hash of every file, and is itself the last file written.
    """
    shutil.copyfile(workspace.guidelines, folder / "guidelines.md")
    write_text(folder / CHANGELOG, changelog)
    tally = make_tally(rows)
    _write_descriptions(folder, manifest, tally, _make_own_texts(workspace, rows, manifest))
    language = find_main_language(tally.count("language"))
    text = make_eval_yaml(manifest["name"], manifest["title"], manifest["split"], language)
    write_text(folder / "eval.yaml", text)
    manifest["files"] = {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_text(folder / MANIFEST, text)


def _make_own_texts(
    workspace: Workspace, rows: Sequence[Row], manifest: dict[str, Any]
) -> dict[str, str]:
    """Return what the workspace alone can give: the curator's licence, and votes where they are released."""
    texts = {"LICENSE": write_license(manifest["license"], read_own_license(workspace.root))}
    if has_votes(manifest):
        texts[VOTES] = canonical_rows(list_votes(workspace, rows))
    return texts


def _write_descriptions(
    folder: Path, manifest: dict[str, Any], tally: Tally, own_texts: Mapping[str, str]
) -> None:
    """Write what is made from manifest and rows, and the workspace's ``own_texts``, by their names.

    The manifest is taken as a reader of the release finds it, so that the texts can be made again.
    """
    manifest = json.loads(json.dumps(manifest, sort_keys=True))
    texts = {
        "README.md": write_card(manifest, tally),
        "CITATION.cff": write_citation(manifest),
        **own_texts,
        **draw_figures(manifest, tally),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    write_text(folder / CROISSANT, make_croissant(manifest, tally, folder))


def _copy_evaluator(target: Path) -> None:
    source = Path(builder.bundle.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target, ignore=ignored)
