"""Stores that the journal is compared with: a call and its reply enter; what was kept leaves.

All keep the same record as `ReplyLog` and implement its `CallStore` protocol.
"""

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Protocol

from builder.bundle.engine.calls import Call, Reply, make_record, make_reply
from builder.bundle.engine.store import CallStore

__all__ = ["ClosableStore", "GroupedSqliteStore", "MemoryStore", "SqliteStore", "TimedStore"]


class ClosableStore(CallStore, Protocol):
    """A `CallStore` that is closed in the end."""

    def close(self) -> None:
        """Let go of what is open."""


class TimedStore:
    """Hands on to a store, and counts the seconds for which keeping replies stops the event loop."""

    def __init__(self, store: ClosableStore) -> None:
        self._store = store
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """Seconds spent so far, a commit that came later than its `put` included."""
        later = self._store.commit_s if isinstance(self._store, GroupedSqliteStore) else 0.0
        return self._seconds + later

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        return self._store.get(key)

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a reply."""
        began = time.perf_counter()
        self._store.put(call, reply)
        self._seconds += time.perf_counter() - began

    def close(self) -> None:
        """Close the store."""
        began = time.perf_counter()
        self._store.close()
        self._seconds += time.perf_counter() - began


class MemoryStore:
    """Keeps replies until the process ends: what no journal costs."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        return self._replies.get(key)

    def put(self, call: Call, reply: Reply) -> None:  # noqa: ARG002 - the protocol's signature
        """Keep a reply in memory."""
        if reply.is_final:
            self._replies[reply.key] = reply

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class SqliteStore:
    """Keeps replies in SQLite, one commit each: write-ahead log, ``synchronous=NORMAL``.

    A committed reply survives a kill. The disk is forced at checkpoints only.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS replies "
            "(key TEXT PRIMARY KEY, final INTEGER NOT NULL, record TEXT NOT NULL)"
        )

    def get(self, key: str) -> Reply | None:
        """Return the final reply kept under ``key``, or None."""
        query = "SELECT record FROM replies WHERE key = ? AND final"
        row = self._database.execute(query, (key,)).fetchone()
        return make_reply(json.loads(row[0])) if row else None

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a reply, in a transaction of its own unless one is open."""
        record = json.dumps(make_record(call, reply), ensure_ascii=False, sort_keys=True)
        self._database.execute(
            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (reply.key, reply.is_final, record)
        )

    def close(self) -> None:
        """Close the database, which moves the write-ahead log into it."""
        self._database.close()


class GroupedSqliteStore(SqliteStore):
    """As `SqliteStore`, but all replies of one turn of the event loop share a commit.

    Weaker than the protocol asks: a kill between `put` and the end of the turn loses the reply.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.commit_s = 0.0

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a reply; the turn's first one opens the transaction that the next turn commits."""
        if not self._database.in_transaction:
            self._database.execute("BEGIN")
            asyncio.get_running_loop().call_soon(self._commit_later)
        super().put(call, reply)

    def _commit_later(self) -> None:
        began = time.perf_counter()
        self._commit()
        self.commit_s += time.perf_counter() - began

    def _commit(self) -> None:
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def close(self) -> None:
        """Commit what is open, then close."""
        self._commit()
        super().close()
