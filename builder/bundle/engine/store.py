"""Keeping replies: a `CallStore` Protocol, and a plain append log that survives a kill."""

import errno
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from .calls import Call, Reply, make_record, make_reply
from .errors import EngineError

__all__ = ["CallStore", "ReplyLog"]

_SYNC_EVERY = 64


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
    Failed calls are recorded too, for the account, but are asked again. The memory it takes grows
    with the replies, which are all held.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._replies: dict[str, Reply] = {}
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
        return stream

    def _load(self) -> None:
        self._stream.seek(0)
        whole = 0
        # Line by line: the log may be larger than memory should hold twice.
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break  # torn by a kill: it never counted, and is cut off below
                whole += len(line)
                try:
                    reply = make_reply(json.loads(line))
                except (ValueError, EngineError) as error:
                    raise EngineError(
                        f"{self.path}:{number}: {error}. Remove that line to ask the call again."
                    ) from None
                if reply.is_final:
                    self._replies[reply.key] = reply
        self._stream.truncate(whole)

    def __len__(self) -> int:
        return len(self._replies)

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        return self._replies.get(key)

    def put(self, call: Call, reply: Reply) -> None:
        """Append a reply; raise `EngineError` where the disk refuses, earlier replies being intact."""
        text = json.dumps(make_record(call, reply), ensure_ascii=False, sort_keys=True)
        record = text.encode("utf-8") + b"\n"
        try:
            end = self._stream.seek(0, os.SEEK_END)
            _write_whole(self._stream, record, end)
        except OSError as error:
            raise EngineError(
                f"{self.path}: a reply cannot be kept ({error.strerror}). Earlier replies are intact; "
                "make room, then run again."
            ) from error
        if reply.is_final:
            self._replies[reply.key] = reply
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
