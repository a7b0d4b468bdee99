"""What went wrong at the Hub, as a sentence that says what to do: errors of its client enter, ours leave."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import FineBenchError, HubError

__all__ = ["explain_hub"]

_AGAIN = "Run the same command again later: it goes on where it stood."
_REMEDIES = {
    400: "The Hub does not take the request. Run it with --dry-run and look at what would be sent.",
    401: "The Hub knows no such token. Log in with `hf auth login`, or set HF_TOKEN to a token that may write.",
    403: "The token may not do this. Give it write access to this namespace, or use another token.",
    404: "There is no such dataset or revision, or the token may not see it. Check the name and the token.",
    409: "The Hub has something of that name already, or is busy with it. Look at its page, then run again.",
    412: "Somebody else committed meanwhile. Look at the dataset's commits, then run the same command again.",
    413: "The Hub finds the request too large. Publish fewer items, or ask the Hub for a higher limit.",
    429: f"Too many requests. {_AGAIN}",
}
_TRANSIENT = frozenset({408, 425})


@contextmanager
def explain_hub(subject: str, doing: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a `HubError` on ``subject``, which failed at ``doing``."""
    try:
        yield
    except FineBenchError:
        raise
    except Exception as error:
        # The client lets errors of several libraries through; whichever it is, it must not end a run
        # without a word on what was done and what was not.
        raise _make_error(subject, doing, error) from error


def _make_error(subject: str, doing: str, error: Exception) -> HubError:
    from huggingface_hub import errors

    error = _find_cause(error)
    told = f"{subject}: {doing} failed"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubError(f"{told}: HF_HUB_OFFLINE is set. Unset it to reach the Hub.")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError(f"{told}: there is no token. {_REMEDIES[401]}", status=401)
    response = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or 0)
    if isinstance(error, errors.HFValidationError) or (
        not status and isinstance(error, ValueError)
    ):
        return HubError(f"{told}: {_shorten(error)}. Mend that, then run again.")
    if not status:
        return HubError(
            f"{told}: the Hub cannot be reached ({type(error).__name__}). Check the network, HF_ENDPOINT "
            f"and proxies. {_AGAIN}",
            is_ambiguous=True,
        )
    if status >= 500 or status in _TRANSIENT:
        message = f"{told}: the Hub has a fault of its own ({status}). {_AGAIN}"
        return HubError(message, status=status, is_ambiguous=True, wait_s=_read_wait(response))
    said = getattr(error, "server_message", None)
    reason = f": {_shorten(said)}" if said else ""
    remedy = _REMEDIES.get(status, "Look at the dataset's page, then run the same command again.")
    return HubError(
        f"{told} ({status}{reason}). {remedy}", status=status, wait_s=_read_wait(response)
    )


def _find_cause(error: Exception) -> Exception:
    """Return the first error of a chain that has a reply of the Hub; uploads come wrapped in another."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Exception) and getattr(cause, "response", None) is not None:
            return cause
        cause = cause.__cause__
    return error


def _read_wait(response: object) -> float:
    """Return the seconds that a reply asks to wait, as far as it does."""
    headers = getattr(response, "headers", {})
    try:
        return max(0.0, float(headers.get("retry-after", 0)))
    except (TypeError, ValueError):
        return 0.0


def _shorten(told: object) -> str:
    text = " ".join(str(told).split())
    return text if len(text) <= 160 else f"{text[:159]}…"
