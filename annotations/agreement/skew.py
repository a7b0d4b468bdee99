"""Where nearly all ratings are of one category, alpha misleads: this says so in a sentence."""

from annotations.agreement.measures import Agreement, ScoreState

__all__ = ["explain_skew"]

_SKEWED = 0.90
_HIGH = 0.80
_LOW = 0.667


def explain_skew(agreement: Agreement) -> str:
    """Return what to think of alpha under skew, or an empty string where it needs no word.

    It needs one where more than 90% of ratings are of one category and either alpha is undefined, or
    percent agreement and AC1 are at least 0.80 and alpha is below 0.667, the least that Krippendorff
    lets support tentative conclusions (Content Analysis, 2nd ed. 2004, p. 241). For the paradox: A. R.
    Feinstein and D. V. Cicchetti (1990), Journal of Clinical Epidemiology 43, 543-549.
    """
    total = sum(agreement.counts.values())
    if not total:
        return ""
    label, most = max(agreement.counts.items(), key=lambda pair: (pair[1], pair[0]))
    if most <= _SKEWED * total:
        return ""
    told = f'{most} of {total} ratings are "{label}"'
    if agreement.alpha.state is ScoreState.ONE_CATEGORY:
        return (
            f"{told}, and so are all that can be paired: alpha is not defined, and nothing shows "
            "whether reviewers would agree on anything else."
        )
    percent, alpha, ac1 = (e.value for e in (agreement.percent, agreement.alpha, agreement.ac1))
    if percent is None or alpha is None or ac1 is None:
        return ""
    if percent < _HIGH or ac1 < _HIGH or alpha >= _LOW:
        return ""
    return (
        f"{told}: agreement is {percent:.0%} and AC1 {ac1:.2f}, while alpha ({alpha:.2f}) is decided "
        f"by the other {total - most} alone. Alpha does not show careless reviewers here, and the "
        "other two do not show that reviewers agree on the rare answers."
    )
