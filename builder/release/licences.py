"""Licences of a release: what ``bench.toml`` names enters; ids for the Hub and SPDX, and the text, leave."""

import re
from pathlib import Path

from builder.release.card.hub_terms import load_terms
from builder.release.card.markdown import flatten
from schemas.errors import StorageError
from schemas.storage import read_bytes

__all__ = [
    "find_hub_license",
    "find_spdx_id",
    "find_spdx_page",
    "read_own_license",
    "write_license",
]

_EVALUATOR = "Apache-2.0"
_NAME = re.compile(r"[^a-z0-9.+-]+")


def find_hub_license(name: str) -> tuple[str, str]:
    """Return the Hub's id of a licence, and a name for it where that id is ``other``.

    >>> find_hub_license("ODbL-1.0"), find_hub_license("Our terms")
    (('odbl', ''), ('other', 'our-terms'))
    """
    terms = load_terms()
    folded = flatten(name).casefold()
    known = terms.spdx.get(folded, folded)
    if known in terms.values["license"] - {"other"}:
        return known, ""
    return "other", _NAME.sub("-", folded).strip("-") or "see-license-file"


def find_spdx_id(name: str) -> str:
    """Return the SPDX id of a licence, as SPDX spells it; empty where it is none, or several."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        found = str(canonicalize_license_expression(flatten(name)))
    except InvalidLicenseExpression:
        return ""
    return "" if " " in found or found.startswith("LicenseRef-") else found


def find_spdx_page(name: str) -> str:
    """Return where SPDX shows the text of a licence; empty where it shows none."""
    found = find_spdx_id(name)
    return f"https://spdx.org/licenses/{found.removesuffix('+')}.html" if found else ""


def read_own_license(root: Path) -> str:
    """Return the text of the file LICENSE of a workspace; empty where there is none."""
    path = root / "LICENSE"
    if not path.is_file():
        return ""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise StorageError(f"{path}: not text in UTF-8 ({error}). Save it as UTF-8.") from error


def write_license(name: str, own_text: str = "") -> str:
    """Return the text of the file LICENSE: the curator's own where there is one, else a notice."""
    evaluator = (
        f"The folder evaluator/ is code of finebench under {_EVALUATOR}; its text is in "
        "evaluator/LICENSE.\n"
    )
    if own_text.strip():
        return own_text if own_text.endswith("\n") else f"{own_text}\n"
    page = find_spdx_page(name)
    where = f"\n{page} shows its text." if page else ""
    shown = find_spdx_id(name) or flatten(name)
    return f"The data of this release is licensed under {shown}.{where}\n\n{evaluator}"
