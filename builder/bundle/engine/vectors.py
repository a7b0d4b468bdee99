"""Embeddings as text: the numbers of a reply enter, a line for the record leaves, and the way back.

A vector is kept as base64 of little-endian 32-bit floats: a quarter of its length in decimal digits.
"""

import base64
import binascii
import math
import struct
from collections.abc import Sequence

__all__ = ["read_vector", "write_vector"]


def write_vector(numbers: Sequence[object]) -> str:
    """Return a vector as text; raise ValueError where it is empty, zero, or not of finite numbers.

    >>> write_vector([1.0, -2.0])
    'AACAPwAAAMA='
    """
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise ValueError("a vector holds numbers alone")
    try:
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a number is too large ({error})") from None
    values = struct.unpack(f"<{len(numbers)}f", packed)
    if not any(values) or not all(map(math.isfinite, values)):
        raise ValueError("a vector is finite and not zero")
    return base64.b64encode(packed).decode("ascii")


def read_vector(text: str) -> tuple[float, ...]:
    """Return the numbers that `write_vector` wrote; raise ValueError for any other text.

    >>> read_vector("AACAPwAAAMA=")
    (1.0, -2.0)
    """
    try:
        packed = base64.b64decode(text, validate=True)
        return struct.unpack(f"<{len(packed) // 4}f", packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise ValueError(f"not a vector ({error})") from None
