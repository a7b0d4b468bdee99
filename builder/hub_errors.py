"""What went wrong at the Hugging Face Hub: whatever its client raises enters; one sentence leaves.

The sentence says what failed and what to do. It is made of what we know, not of the client's words, which
speak of addresses and classes; where those are all there is, a token in them is struck out first.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import FineBenchError, HubError

__all__ = ["HubFault", "HubTrouble", "explain_hub", "make_hub_error", "recognise", "shorten_reason"]


_USED_UP = re.compile(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(?P<seconds>\d+)")
"""A rate limit of which nothing is left, and the seconds until it begins anew: ``"api";r=0;t=55``."""

_TOKEN = re.compile(r"\bhf_\w{8,}")


class HubFault(StrEnum):
    """The kinds of trouble with the Hub that call for different doings."""

    OFFLINE = "offline mode"
    NO_TOKEN = "no token"
    UNREACHABLE = "not reached"
    TIMEOUT = "no answer in time"
    DROPPED = "connection dropped"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    GATED = "gated"
    NO_REPOSITORY = "no repository"
    NO_REVISION = "no revision"
    NO_FILE = "404"
    CONFLICT = "409"
    MOVED = "412"
    BUSY = "429"
    BROKEN = "5xx"
    NONSENSE = "no answer of the Hub's"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HubTrouble:
    """What an exception of the client says: kind, HTTP status (0: no reply), seconds to wait, reason."""

    fault: HubFault
    status: int = 0
    wait_s: float | None = None
    reason: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self.fault in _PASSING


_PASSING = frozenset(
    {HubFault.UNREACHABLE, HubFault.TIMEOUT, HubFault.DROPPED, HubFault.BUSY, HubFault.BROKEN}
)
# What was asked for may have been done all the same.
_AMBIGUOUS = (_PASSING | {HubFault.NONSENSE}) - {HubFault.BUSY}
_BY_STATUS = {
    401: HubFault.UNAUTHORIZED,
    402: HubFault.FORBIDDEN,
    403: HubFault.FORBIDDEN,
    404: HubFault.NO_FILE,
    408: HubFault.TIMEOUT,
    409: HubFault.CONFLICT,
    412: HubFault.MOVED,
    429: HubFault.BUSY,
}
_AGAIN = "Run the same command again a little later: what is done is not done twice"
_SENTENCES = {
    HubFault.OFFLINE: "HF_HUB_OFFLINE is set, so that nothing is asked of the Hub. Unset it",
    HubFault.NO_TOKEN: (
        "the Hub wants to know who you are, and there is no token. Set HF_TOKEN to one that may "
        "{deed} it, or log in with `hf auth login`"
    ),
    HubFault.UNREACHABLE: (
        "the Hub could not be reached ({reason}). Check the connection, proxy and HF_ENDPOINT, and try "
        "again"
    ),
    HubFault.TIMEOUT: "the Hub gave no answer in time. Check the connection. {again}",
    HubFault.DROPPED: "the connection to the Hub broke off ({reason}). Check the connection. {again}",
    HubFault.UNAUTHORIZED: (
        "the Hub does not accept the token (401). Make a new one in the settings of your account that may "
        "{deed} it, and set HF_TOKEN to it or log in with `hf auth login`"
    ),
    HubFault.FORBIDDEN: (
        "the Hub refused access ({status}). Set HF_TOKEN to a token that may {deed} it, of an account that "
        "has that right there"
    ),
    HubFault.GATED: (
        "the dataset is gated. Ask for access on its page and set HF_TOKEN to a token of your account"
    ),
    HubFault.NO_REVISION: "there is no such revision. Name a branch, tag or commit",
    HubFault.NO_REPOSITORY: (
        "there is no such dataset, or it is private. Check owner/name; for a private one set HF_TOKEN to a "
        "token that may {deed} it"
    ),
    HubFault.NO_FILE: (
        "the Hub says that there is no such thing (404). Check owner/name and revision on its page"
    ),
    HubFault.CONFLICT: (
        "the Hub says that this is there already, or in use (409). Look at the dataset's page, or choose "
        "another name"
    ),
    HubFault.MOVED: (
        "somebody else has committed meanwhile (412), and nothing was forced. Look at the newest commit on "
        "the dataset's page; if it may stay, run the same command again"
    ),
    HubFault.BUSY: "the Hub asks to slow down (429{wait}). {again}",
    HubFault.BROKEN: "the Hub has trouble of its own ({status}). {again}",
    HubFault.NONSENSE: (
        "something answers at HF_ENDPOINT, and not as the Hub does ({reason}). Check HF_ENDPOINT and proxies"
    ),
    HubFault.OTHER: "{reason}. Check the connection and try again",
}


def make_hub_error(
    subject: str, trouble: HubTrouble, *, otherwise: str = "", deed: str = "read"
) -> HubError:
    """Return the error that tells of ``trouble`` with ``subject``, which is named as its user named it.

    ``otherwise`` is another way to the same end, such as "or name a file"; ``deed`` is what a token must be
    allowed to do.
    """
    wait = f", {trouble.wait_s:.0f} s" if trouble.wait_s else ""
    sentence = _SENTENCES[trouble.fault].format(
        deed=deed, status=trouble.status, reason=trouble.reason, again=_AGAIN, wait=wait
    )
    return HubError(
        f"{subject}: {sentence}{', ' if otherwise else ''}{otherwise}.",
        status=trouble.status,
        is_ambiguous=trouble.fault in _AMBIGUOUS,
        may_pass=trouble.may_pass,
        wait_s=trouble.wait_s or 0.0,
    )


@contextmanager
def explain_hub(subject: str, *, otherwise: str = "", deed: str = "read") -> Iterator[None]:
    """Turn whatever the Hub's client raises within the block into a `HubError` that says what to do."""
    try:
        yield
    except FineBenchError:
        raise
    except Exception as error:
        # The client lets errors of a dozen libraries through; whichever it is, a user can do the same.
        trouble = recognise(error)
        raise make_hub_error(subject, trouble, otherwise=otherwise, deed=deed) from error


def recognise(error: BaseException) -> HubTrouble:
    """Return what an exception says, looking at those that it was raised from as well."""
    chain = list(_follow(error))
    for link in chain:
        found = _recognise_one(link)
        if found:
            return found
    return HubTrouble(HubFault.OTHER, _get_status(error), reason=shorten_reason(error))


def _follow(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _get_status(error: BaseException) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _recognise_one(error: BaseException) -> HubTrouble | None:
    status = _get_status(error)
    named = _recognise_by_class(error)
    if named:
        return HubTrouble(named, status, reason=shorten_reason(error))
    if status in _BY_STATUS or status >= 500:
        fault = _BY_STATUS.get(status, HubFault.BROKEN)
        return HubTrouble(fault, status, _read_wait(error), shorten_reason(error))
    if status:
        return HubTrouble(HubFault.OTHER, status, reason=shorten_reason(error))
    broken = _recognise_connection(error)
    if not broken and isinstance(error, json.JSONDecodeError | KeyError | TypeError):
        broken = HubFault.NONSENSE
    return HubTrouble(broken, reason=shorten_reason(error)) if broken else None


def _recognise_by_class(error: BaseException) -> HubFault | None:
    from huggingface_hub import errors

    kinds: tuple[tuple[type[BaseException], HubFault], ...] = (
        (errors.OfflineModeIsEnabled, HubFault.OFFLINE),
        (errors.LocalTokenNotFoundError, HubFault.NO_TOKEN),
        (errors.GatedRepoError, HubFault.GATED),
        (errors.RevisionNotFoundError, HubFault.NO_REVISION),
        (errors.RepositoryNotFoundError, HubFault.NO_REPOSITORY),
    )
    return next((fault for kind, fault in kinds if isinstance(error, kind)), None)


def _recognise_connection(error: BaseException) -> HubFault | None:
    import httpx2

    kinds: tuple[tuple[tuple[type[BaseException], ...], HubFault], ...] = (
        ((httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError), HubFault.UNREACHABLE),
        ((httpx2.TimeoutException, TimeoutError), HubFault.TIMEOUT),
        ((httpx2.TransportError,), HubFault.DROPPED),
        ((ConnectionError,), HubFault.UNREACHABLE),
    )
    return next((fault for kind, fault in kinds if isinstance(error, kind)), None)


def _read_wait(error: BaseException) -> float | None:
    """Return the seconds that the reply asks to wait: ``Retry-After``, or what the Hub's own header says."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    asked = str(headers.get("retry-after", "")).strip()
    if asked.isdecimal():
        return float(asked)
    used_up = _USED_UP.search(str(headers.get("ratelimit", "")))
    return float(used_up["seconds"]) if used_up else None


def shorten_reason(error: BaseException, most: int = 300) -> str:
    """Return an exception's class and words on one line, without a token that may stand in them."""
    lines = str(error).split("\n")
    told = " ".join(line.strip() for line in lines if line.strip()).rstrip(".")
    told = _TOKEN.sub("…", told)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        secret = os.environ.get(name, "").strip()
        told = told.replace(secret, "…") if secret else told
    text = f"{type(error).__name__}: {told}" if told else type(error).__name__
    return text if len(text) <= most else text[: most - 1] + "…"
