"""How many of something, in words: the one place that chooses between `1 row` and `2 rows`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def counted(number: int, noun: str, many: str = "") -> str:
    """A number and what it counts; `many` is for nouns whose plural is not made with an s."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def first_of(items: Sequence[Item], most: int) -> Sequence[Item]:
    """The first so many, or all where one alone is left over: to say that it is there takes as long as to tell it."""
    return items if len(items) <= most + 1 else items[:most]
