"""Reading a dataset of the Hugging Face Hub: its name enters; its rows leave one by one, streamed.

Nothing but what the real client does is asked of the Hub; the access token is the client's affair
(``HF_TOKEN``), and so is the address (``HF_ENDPOINT``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from builder.checks.contamination.records import Record, require_columns
from builder.hub_client import resolve_commit
from builder.hub_errors import HubFault, HubTrouble, make_hub_error, recognise, shorten_reason
from schemas.errors import DataError, FineBenchError, StorageError, UsageError

__all__ = ["fingerprint_dataset", "read_hub_rows", "read_splits"]

_NOT_THERE = (HubFault.NO_REPOSITORY, HubFault.NO_REVISION)
_DOWNLOAD = "or download the file and name its path"


def fingerprint_dataset(name: str, revision: str, source: str) -> str:
    """Return the commit that ``revision`` of a dataset means now; empty means its main branch."""
    with _explain(source):
        return resolve_commit(name, revision, source, otherwise=_DOWNLOAD)


def read_hub_rows(
    name: str, *, config: str, split: str, revision: str, columns: Sequence[str], source: str
) -> Iterator[Record]:
    """Yield the rows of a dataset, split by split, at the commit that ``revision`` means at the start.

    Without ``columns`` a row has all that it holds; see `read_splits`.
    """
    commit = fingerprint_dataset(name, revision, source)
    with _explain(source):
        yield from read_splits(_open_splits(name, config, split, commit), columns, source)


def read_splits(splits: Mapping[str, Any], columns: Sequence[str], source: str) -> Iterator[Record]:
    """Yield the rows of a dataset's splits, given by name; of ``columns`` alone where some are named.

    Without columns, pictures and sounds stay the bytes that they are, and class labels go by their names.
    """
    for part, dataset in splits.items():
        labels = {} if columns else _find_class_labels(dataset)
        for number, row in enumerate(_select_columns(dataset, columns, source), start=1):
            if number == 1:
                require_columns(columns, list(row), source)
            fields = tuple((key, _name_label(value, labels.get(key))) for key, value in row.items())
            yield Record(f"split {part}, row {number}", fields)


def _find_class_labels(dataset: Any) -> dict[str, Sequence[str]]:
    from datasets import ClassLabel

    features = dataset.features or {}
    return {key: kind.names for key, kind in features.items() if isinstance(kind, ClassLabel)}


def _name_label(value: Any, names: Sequence[str] | None) -> Any:
    return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else value


def _open_splits(name: str, config: str, split: str, commit: str) -> dict[str, Any]:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    # With this prefix a folder that happens to have the dataset's name is not read in its place.
    loaded = load_dataset(
        f"hf://datasets/{name}",
        config or None,
        split=split or None,
        revision=commit,
        streaming=True,
    )
    return {split: loaded} if split else dict(loaded)


def _select_columns(dataset: Any, columns: Sequence[str], source: str) -> Any:
    """Choose the columns before any row is made, so that pictures beside the texts are not decoded."""
    if dataset.column_names is None:
        return dataset
    if not columns:
        return dataset.decode(False)  # noqa: FBT003 - its one argument
    require_columns(columns, dataset.column_names, source)
    return dataset.select_columns(list(columns))


@contextmanager
def _explain(source: str) -> Iterator[None]:
    """Turn whatever the two clients raise into an error that says what to do."""
    try:
        yield
    except FineBenchError:
        raise
    except Exception as error:
        # The clients let errors of a dozen libraries through; whichever it is, a user can do the same.
        raise _make_error(source, error) from error


def _make_error(source: str, error: Exception) -> FineBenchError:
    from datasets.exceptions import DatasetsError
    from pyarrow import ArrowException

    trouble = _recognise(error)
    if trouble.fault is not HubFault.OTHER:
        told = make_hub_error(source, trouble, otherwise=_DOWNLOAD)
        return UsageError(str(told)) if trouble.fault in _NOT_THERE else told
    reason = trouble.reason or shorten_reason(error)
    if isinstance(error, ArrowException | DatasetsError):
        return DataError(
            f"{source}: the files of the dataset cannot be read ({reason}). Name another config or "
            f"revision, {_DOWNLOAD}."
        )
    if isinstance(error, ValueError):
        return UsageError(
            f"{source}: cannot be opened ({reason}). Check name, config and split "
            f"(hub:owner/name/config:split), {_DOWNLOAD}."
        )
    return StorageError(
        f"{source}: the Hub could not be read ({reason}). Check the connection and try again, "
        f"{_DOWNLOAD}."
    )


def _recognise(error: Exception) -> HubTrouble:
    """Return what went wrong; `datasets` has words and classes of its own for two kinds."""
    from datasets.exceptions import DatasetNotFoundError

    if "gated dataset" in str(error):
        return HubTrouble(HubFault.GATED)
    trouble = recognise(error)
    if trouble.fault is HubFault.OTHER and isinstance(error, DatasetNotFoundError):
        return HubTrouble(HubFault.NO_REPOSITORY)
    return trouble
