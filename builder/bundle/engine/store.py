"""Keeping replies: a `CallStore` Protocol, and a plain append log that survives a kill."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from .calls import Call, Reply, make_record, make_reply
from .errors import EngineError

__all__ = ["CallStore", "ReplyLog", "hold_log"]

_SYNC_EVERY = 64

Record = dict[str, Any]
Describe = Callable[[Call, Reply], Record]


class CallStore(Protocol):
    """Where replies are kept; a reply that `put` has taken is never asked for again."""

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a reply; it survives a kill of the process once this returns."""


class ReplyLog:
    """A `CallStore` in one append-only JSONL file, held by one process at a time.

    Each record goes out in a single unbuffered write, so that a kill loses none that `put` has
    taken; every 64 records are forced to the disk, which is the most that a loss of power costs.
    Failed calls are recorded too, for the account, but are asked again. In memory there is only where
    each reply stands in the file.

    ``describe`` names what else is recorded of a call; ``on_record`` is handed every record, those that
    the file holds already included.
    """

    def __init__(
        self,
        path: Path,
        *,
        describe: Describe | None = None,
        on_record: Callable[[Record], None] | None = None,
    ) -> None:
        self.path = path
        self._describe, self._on_record = describe, on_record
        self._places: dict[bytes, tuple[int, int]] = {}
        self._unsynced = 0
        self._stream = self._open()
        try:
            self._load()
        except BaseException:
            self._stream.close()
            raise

    def _open(self) -> IO[bytes]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)  # replies may be harmful or private
            stream = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise EngineError(f"{self.path}: cannot be opened ({error.strerror}).") from error
        if not _take_lock(stream):
            stream.close()
            raise EngineError(f"{self.path} is in use by another run. Wait for it to end.")
        if not os.path.samestat(os.fstat(stream.fileno()), self.path.stat()):
            stream.close()
            raise EngineError(f"{self.path} was written anew just now. Run the same command again.")
        return stream

    def _load(self) -> None:
        self._stream.seek(0)
        whole = 0
        # Line by line: the log may be larger than memory should hold twice.
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break  # torn by a kill: it never counted, and is cut off below
                try:
                    self._take_in(json.loads(line), whole, len(line))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise EngineError(
                        f"{self.path}:{number}: not a record of a call ({error!r}). Remove that line to "
                        "ask the call again."
                    ) from None
                except EngineError as error:
                    raise EngineError(
                        f"{self.path}:{number}: {error}. Remove that line to ask the call again; where a "
                        "later finebench wrote it, use that one."
                    ) from None
                whole += len(line)
        self._stream.truncate(whole)

    def _take_in(self, record: Record, start: int, size: int) -> None:
        """Note where a record stands that is a reply, and hand it on."""
        # A record whose texts were purged is no reply any more; it still counts in the account.
        if not (isinstance(record, dict) and record.get("purged")) and make_reply(record).is_final:
            self._places[bytes.fromhex(record["key"])] = (start, size)
        if self._on_record:
            self._on_record(record)

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        place = self._places.get(bytes.fromhex(key))
        if place is None:
            return None
        try:
            return make_reply(json.loads(os.pread(self._stream.fileno(), place[1], place[0])))
        except (OSError, ValueError, EngineError) as error:
            raise EngineError(
                f"{self.path}: a reply that was kept cannot be read: {error}."
            ) from None

    def put(self, call: Call, reply: Reply) -> None:
        """Append a reply; raise `EngineError` where the disk refuses, earlier replies being intact."""
        record = make_record(call, reply) | (self._describe(call, reply) if self._describe else {})
        line = json.dumps(record, ensure_ascii=False, sort_keys=True).encode("utf-8") + b"\n"
        try:
            end = self._stream.seek(0, os.SEEK_END)
            _write_whole(self._stream, line, end)
        except OSError as error:
            raise EngineError(
                f"{self.path}: a reply cannot be kept ({error.strerror}). Earlier replies are intact; "
                "make room, then run again."
            ) from error
        self._take_in(record, end, len(line))
        self._unsynced += 1
        if self._unsynced >= _SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise EngineError(f"{self.path}: the disk refuses ({error.strerror}).") from error
        self._unsynced = 0

    def close(self) -> None:
        """Force what was kept to the disk and let go of the file."""
        if not self._stream.closed:
            try:
                self._sync()
            finally:
                self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def hold_log(path: Path) -> Iterator[None]:
    """Hold a log that exists, so that nobody writes to it; raise `EngineError` where another run does."""
    with path.open("rb") as stream:
        if not _take_lock(stream):
            raise EngineError(f"{path} is in use by another run. Wait for it to end.")
        yield


def _write_whole(stream: IO[bytes], record: bytes, end: int) -> None:
    """Write a record at ``end`` in one go; where it does not fit, leave nothing of it behind."""
    if stream.write(record) != len(record):
        stream.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _take_lock(stream: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: two runs into one folder are then up to the user
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
