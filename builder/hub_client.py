"""The Hugging Face Hub's client: the environment enters; a client that is quiet and gives up in the end leaves."""

import logging
from typing import TYPE_CHECKING

from schemas.errors import HubError

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

__all__ = ["make_client", "resolve_commit"]

_READ_S = 30.0
_SILENCE = {"connect": 15.0, "read": 300.0, "write": 300.0, "pool": 60.0}


def make_client(endpoint: str | None = None, token: str | None = None) -> "HfApi":
    """Return the Hub's client, quiet and with an end to its patience; by default as the environment says."""
    from huggingface_hub import HfApi, set_client_factory
    from huggingface_hub.utils import logging as client_logging
    from huggingface_hub.utils._http import default_client_factory
    from huggingface_hub.utils.tqdm import disable_progress_bars

    def limit_patience(request: "httpx2.Request") -> None:
        # The client itself waits for ever for a server that says nothing.
        limits = request.extensions.get("timeout") or {}
        request.extensions["timeout"] = {
            kind: limits.get(kind) or seconds for kind, seconds in _SILENCE.items()
        }

    def make() -> "httpx2.Client":
        client = default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = hooks | {"request": [*hooks["request"], limit_patience]}
        return client

    set_client_factory(make)
    disable_progress_bars()
    client_logging.set_verbosity(logging.ERROR)
    return HfApi(endpoint=endpoint, token=token)


def resolve_commit(name: str, revision: str, subject: str, *, otherwise: str = "") -> str:
    """Return the commit that ``revision`` of a dataset means now; empty means its main branch.

    ``subject`` and ``otherwise`` are for the message. What the client raises is for the caller to explain
    (`builder.hub_errors`).
    """
    from huggingface_hub import HfApi

    info = HfApi().dataset_info(name, revision=revision or None, timeout=_READ_S)
    if not info.sha:
        raise HubError(f"{subject}: the Hub tells no commit of it. Try again, {otherwise}.")
    return info.sha
