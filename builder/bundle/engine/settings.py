"""Which models a run asks: options and a file of models enter; endpoints leave.

The file is TOML with a table ``[models.NAME]`` for each model, as in a workspace's ``bench.toml``.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .calls import Endpoint
from .errors import EngineError
from .pacing import Rates

__all__ = ["Defaults", "Models", "read_models", "read_parameters"]

_KINDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "base_url": (str,),
    "key_variable": (str,),
    "parameters": (dict,),
    "concurrency": (int,),
    "timeout_s": (int, float),
    "requests_per_minute": (int, float),
    "tokens_per_minute": (int, float),
    "family": (str,),
}
# What bench.toml tells of a model besides, and nothing is done with here.
_PASSED_OVER = frozenset({"price"})


@dataclass(frozen=True, slots=True)
class Defaults:
    """How a model is reached that the file does not name, or what the file leaves out.

    ``is_stated`` tells whether the user named the endpoint, or it is the usual one.
    """

    base_url: str
    key_variable: str
    parameters: Mapping[str, Any]
    concurrency: int
    is_stated: bool = True


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a file, as they stand there."""

    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def find(self, name: str, defaults: Defaults, *, called: str = "") -> Endpoint:
        """Return the endpoint of a model: of the file, or any other by its name at the endpoint of ``defaults``.

        ``called`` is the name of its calls where that is another. Raises `EngineError` for a model that a file does
        not name where nobody said at which endpoint others are.
        """
        if not name.strip():
            raise EngineError("a model has no name.")
        if self.tables and name not in self.tables and not defaults.is_stated:
            raise EngineError(
                f"no model named {name} in the file of models (it names {', '.join(sorted(self.tables))}). Add it, or "
                "say with --base-url where it is."
            )
        table = self.tables.get(name, {})
        return Endpoint(
            called or name,
            table.get("model", name),
            table.get("base_url", defaults.base_url),
            table.get("key_variable", defaults.key_variable),
            dict(defaults.parameters) | table.get("parameters", {}),
            table.get("concurrency", defaults.concurrency),
            float(table.get("timeout_s", 120.0)),
            Rates(table.get("requests_per_minute"), table.get("tokens_per_minute")),
        )

    def find_family(self, name: str) -> str:
        """Return the family that the file states for a model; nothing where it states none."""
        return str(self.tables.get(name, {}).get("family", ""))


def read_models(path: Path | None) -> Models:
    """Return the models of a file; raise `EngineError` naming everything in it that cannot be."""
    if path is None:
        return Models()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: cannot be read ({error}). Write TOML in UTF-8.") from None
    tables = document.get("models")
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise EngineError(f"{path}: names no model. Write a table [models.NAME] for each.")
    problems = [told for name, table in tables.items() for told in _list_problems(name, table)]
    if problems:
        raise EngineError(f"{path}: {'; '.join(problems)}.")
    return Models(tables)


def _list_problems(name: str, table: Mapping[str, Any]) -> list[str]:
    found = []
    for key, value in table.items():
        if key in _PASSED_OVER:
            continue
        if key not in _KINDS:
            found.append(f"models.{name} has {key}, which is no setting of a model")
        elif isinstance(value, bool) or not isinstance(value, _KINDS[key]):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            found.append(f"models.{name}.{key} is {value!r}, and must be {kinds}")
        elif isinstance(value, int | float) and value <= 0:
            found.append(f"models.{name}.{key} is {value}, and must be more than 0")
    return found


def read_parameters(max_tokens: int, told: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of each request: temperature 0, the limit, and those told as NAME=JSON.

    A parameter that is told as null is left out. Raises `EngineError` where one cannot be read.
    """
    if max_tokens < 1:
        raise EngineError(f"--max-tokens {max_tokens}: a reply has at least one token.")
    parameters: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
    for text in told:
        name, _, value = text.partition("=")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            raise EngineError(f"--parameter {text}: write NAME=JSON, such as top_p=0.9.") from None
    return {name: value for name, value in parameters.items() if value is not None}
