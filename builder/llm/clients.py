"""Opening models: a configuration enters; clients for endpoints, offline ones included, leave."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.bundle.engine.calls import Endpoint
from builder.bundle.engine.client import Client
from builder.bundle.engine.items import Item
from builder.config import OFFLINE_URL

if TYPE_CHECKING:
    from builder.llm.offline.transport import OfflineModel

__all__ = ["open_clients"]

# The client wants an address; the transport never looks at it.
_PLACEHOLDER_URL = "http://offline.invalid/v1"


@asynccontextmanager
async def open_clients(
    endpoints: Sequence[Endpoint], *, items: Sequence[Item] = ()
) -> AsyncIterator[dict[str, Client]]:
    """Yield a client for each endpoint, by name; close them all at the end.

    An endpoint at `OFFLINE_URL` is served by the simulator, which needs the ``items``
    that its personas and judge will be asked about.
    """
    offline = None
    if any(endpoint.base_url == OFFLINE_URL for endpoint in endpoints):
        from builder.llm.offline.transport import OfflineModel

        offline = OfflineModel(items)
    clients: dict[str, Client] = {}
    try:
        for endpoint in endpoints:
            if endpoint.name not in clients:
                clients[endpoint.name] = _open_client(endpoint, offline)
        yield clients
    finally:
        for client in clients.values():
            await client.close()


def _open_client(endpoint: Endpoint, offline: "OfflineModel | None") -> Client:
    if endpoint.base_url != OFFLINE_URL or offline is None:
        return Client(endpoint)
    placed = replace(endpoint, base_url=_PLACEHOLDER_URL)
    return Client(placed, offline.make_transport())
