"""Reading the folder of a dataset, as `datasets` lays it out: a path enters; its rows leave, streamed."""

from collections.abc import Iterator
from pathlib import Path

from builder.checks.contamination.hub import read_splits
from builder.checks.contamination.records import Record
from builder.hub_errors import shorten_reason
from schemas.errors import DataError, FineBenchError

__all__ = ["read_folder_rows"]


def read_folder_rows(path: Path, *, config: str, split: str, source: str) -> Iterator[Record]:
    """Yield the rows of a dataset's folder, split by split; see `read_splits`.

    An empty ``config`` means the default one, an empty ``split`` all. Raises `DataError` for a folder that
    is no dataset, has no such config or split, or whose files cannot be read.
    """
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    try:
        loaded = load_dataset(
            str(path.resolve()), config or None, split=split or None, streaming=True
        )
        yield from read_splits({split: loaded} if split else dict(loaded), (), source)
    except FineBenchError:
        raise
    except Exception as error:
        # The library lets errors of a dozen others through; whichever it is, a user can do the same.
        raise DataError(
            f"{source}: cannot be read as the folder of a dataset ({shorten_reason(error)}). Check "
            "--config and --split, or name one of its files."
        ) from error
