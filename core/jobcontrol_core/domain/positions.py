"""Document order as one sortable key: a step's position is its parent's plus its own index."""

from __future__ import annotations

#: Not empty: a page that begins after "" begins with the root.
ROOT = "0"
#: Sorts after every child position, whose digits are 0-9 and a-z.
FINALIZE_POSITION = "~"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WIDTH = 4


def child_position(parent: str, index: int) -> str:
    """The position of child number `index` (0 to 1,679,615); sorts bytewise in document order."""
    digits = []
    for _ in range(_WIDTH):
        index, digit = divmod(index, len(_DIGITS))
        digits.append(_DIGITS[digit])
    if index:
        raise ValueError("child index out of range")
    return parent + "".join(reversed(digits))
