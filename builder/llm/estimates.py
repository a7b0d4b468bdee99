"""What calls may cost before they are made: pending calls and the journal's account enter; sums leave."""

from collections import defaultdict
from dataclasses import dataclass

from builder.bundle.engine.calls import Call, Endpoint
from builder.llm.asking import PendingCalls
from builder.llm.batch_files import discount
from builder.llm.tokens import expect_tokens

__all__ = ["Estimate", "estimate_calls"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The calls of one role to one model.

    ``certain`` calls are known, ``expected`` ones follow from their replies. Tokens in are counted from
    the texts; tokens out are the mean of such calls in the journal where ``is_measured``, else a guess.
    ``cost`` is in US dollars, None where the price is not known.
    """

    model: str
    role: str
    certain: int
    expected: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    is_measured: bool


def estimate_calls(pending: PendingCalls, *, batch: bool = False) -> list[Estimate]:
    """Return an estimate for each model and role, in order of their names; ``batch`` is at batch prices."""
    groups: dict[tuple[str, str], tuple[list[Call], list[Call]]] = defaultdict(lambda: ([], []))
    for place, calls in enumerate((pending.certain, pending.expected)):
        for call in map(discount, calls) if batch else calls:
            groups[call.endpoint.name, call.role][place].append(call)
    return [
        _estimate(certain, expected, pending.ledger.find_mean_tokens(*key))
        for key, (certain, expected) in sorted(groups.items())
    ]


def _estimate(
    certain: list[Call], expected: list[Call], measured: tuple[float, float] | None
) -> Estimate:
    calls = [*certain, *expected]
    endpoint: Endpoint = calls[0].endpoint
    if measured:
        tokens_in, tokens_out = (round(len(calls) * mean) for mean in measured)
    else:
        guesses = [expect_tokens(call) for call in calls]
        tokens_in, tokens_out = (sum(guess[n] for guess in guesses) for n in (0, 1))
    return Estimate(
        endpoint.name,
        calls[0].role,
        len(certain),
        len(expected),
        tokens_in,
        tokens_out,
        endpoint.price.find_cost(tokens_in, tokens_out),
        measured is not None,
    )
