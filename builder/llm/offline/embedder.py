"""The offline embedder: a text enters; a vector of the letters that stand together in it leaves.

A simulator, so that the road with an embedder can be walked without a model: it sees shared strings of
three letters, and no meaning.
"""

import hashlib

__all__ = ["embed_text"]

_LENGTH = 64
_LETTERS = 3


def embed_text(text: str) -> list[float]:
    """Return the simulated embedding of a text: 64 counts of its strings of three letters, hashed.

    >>> embed_text("abc") == embed_text("ABC")
    True
    """
    counts = [0.0] * _LENGTH
    padded = f" {' '.join(text.casefold().split())} "
    for start in range(max(1, len(padded) - _LETTERS + 1)):
        letters = padded[start : start + _LETTERS].encode("utf-8", "surrogatepass")
        counts[hashlib.sha256(letters).digest()[0] % _LENGTH] += 1.0
    return counts
