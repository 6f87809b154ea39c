"""How many of something, in words: the one place that chooses between `1 row` and `2 rows`."""

from __future__ import annotations


def counted(number: int, noun: str, many: str = "") -> str:
    """A number and what it counts; `many` is for nouns whose plural is not made with an s."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"
