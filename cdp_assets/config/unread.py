"""A value that is written but could not be read, and rules that stop where they would need it.

Where a goal holds a mistake, the rest of it is checked all the same. What could not be read is `UNREAD`: whatever
is asked of it raises, so that no rule takes it for empty, different or missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


class UnreadError(Exception):
    """A rule asked for a value that could not be read, so it cannot say more."""


class _Unread:
    """Nothing can be asked of it: not even what it is, or whether it equals something."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise UnreadError(name)

    def __eq__(self, other: object) -> NoReturn:
        raise UnreadError

    def __ne__(self, other: object) -> NoReturn:
        raise UnreadError

    def __hash__(self) -> NoReturn:
        raise UnreadError

    def __bool__(self) -> NoReturn:
        raise UnreadError

    def __iter__(self) -> NoReturn:
        raise UnreadError

    def __len__(self) -> NoReturn:
        raise UnreadError

    def __contains__(self, item: object) -> NoReturn:
        raise UnreadError

    def __repr__(self) -> NoReturn:
        raise UnreadError

    def __str__(self) -> NoReturn:
        raise UnreadError

    def __format__(self, form: str) -> NoReturn:
        raise UnreadError


UNREAD: Any = _Unread()
"""Stands where something is written that could not be read."""


def as_far_as_read(found: Iterator[T]) -> Iterator[T]:
    """What a rule finds before it asks for something unread."""
    try:
        yield from found
    except UnreadError:
        return
    except TypeError as error:
        # Python's own functions ask a value for its type, and name it where it is none of theirs.
        if _Unread.__name__ not in str(error):
            raise
