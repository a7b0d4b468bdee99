"""Labels: the evaluator ships with a copy of ours."""

from enum import StrEnum
from typing import Any

from builder.bundle.engine import labels as engine_labels
from schemas import labels


def _list_enums(module: Any) -> dict[str, dict[str, str]]:
    return {
        name: {label: str(member) for label, member in value.__members__.items()}
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, StrEnum) and name in module.__all__
    }


def test_the_evaluators_labels_are_a_copy_of_ours() -> None:
    """The bundle ships alone with its own copy: a label that drifts would change scores unseen."""
    copies, ours = _list_enums(engine_labels), _list_enums(labels)
    assert set(copies) == set(engine_labels.__all__)
    assert copies == {name: ours[name] for name in copies}
