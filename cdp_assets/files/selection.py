"""Which names on a server belong to a goal, and the partition each of them is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdp_assets.config.files import Files
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown

NEVER_ENDINGS = (".done", ".part")
"""Files we renamed after their import, and uploads that are not finished."""

_MAX_KEY_BYTES = 255
_DIGITS = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[str | int, ...], str]


def wildcard_value(files: Files, name: str) -> str | None:
    """The partition a file name stands for; None when the goal does not take the file.

    Wildcard: the text under each run of `*` and `?`, joined by `_`. Regular expression: its groups, joined
    by `_`. Where such a text is empty or holds a `_` itself, they are joined by ` | `, so that no two names
    share a partition by accident. Where these hold no text (no group, or every `*` matched nothing): the
    name without its extensions. Exact: the empty text, which means "no partitions".
    """
    if never_taken(name) is not None:
        return None
    if files.pattern_type == "exact":
        return "" if name == files.root else None
    match = _pattern(files).fullmatch(name)
    if match is None:
        return None
    return _joined([group for group in match.groups() if group is not None]) or name.split(".")[0]


def partition_key(files: Files, name: str) -> str | None:
    """As `wildcard_value`, but only what can be a partition key and a folder name.

    Raises:
        FileError: The value holds undecodable bytes, control characters, a `/` or `...`, is `.` or `..`, or
            is longer than 255 bytes; the supplier must rename the file.
    """
    value = wildcard_value(files, name)
    if not value:
        return value
    trouble = _trouble(value)
    if trouble is not None:
        raise FileError(f"{shown(name)}: its partition key {shown(value)!r} {trouble}; rename the file")
    return value


def _joined(values: Sequence[str]) -> str:
    if not any(values):
        return ""
    plain = len(values) == 1 or all(value and "_" not in value for value in values)
    return ("_" if plain else " | ").join(values)


def why_not(files: Files, name: str) -> str | None:
    """Why a name is not taken by the goal, in words; None when it is."""
    if never_taken(name) is not None:
        return never_taken(name)
    if wildcard_value(files, name) is None:
        return f"it does not match the {files.pattern_type} name {files.root!r} (upper and lower case differ)"
    return None


def natural_key(name: str) -> NaturalKey:
    """Sort key under which `day2` comes before `day10`; names that differ only in zeros sort by plain text."""
    parts = _DIGITS.split(name)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def captured_values(files: Files, name: str) -> tuple[str, ...]:
    """The texts a taken name has under its root's wildcards or in its groups; the stem where a regex has none."""
    if files.pattern_type == "exact":
        return ()
    match = _pattern(files).fullmatch(name)
    groups = tuple(group or "" for group in match.groups()) if match else ()
    return groups or ((name.split(".")[0],) if files.pattern_type == "regex" else ())


def matches_wildcard(pattern: str, name: str) -> bool:
    """Whether a whole name fits a pattern with `*` and `?`, upper and lower case told apart."""
    return re.fullmatch(_from_wildcard(pattern), name, re.DOTALL) is not None


def with_values(pattern: str, values: Sequence[str]) -> str | None:
    """The pattern with each run of wildcards replaced by a value, in order; None if there are too few."""
    runs = re.split(r"([*?]+)", pattern)
    wanted = len(runs) // 2
    if wanted > len(values):
        return None
    filled = iter(values)
    return "".join(next(filled) if index % 2 else run for index, run in enumerate(runs))


def never_taken(name: str) -> str | None:
    """Why no goal ever takes a file of this name; None = some may."""
    if not name:
        return "it has no name"
    if name.startswith("."):
        return "names that start with a dot are never taken"
    for ending in NEVER_ENDINGS:
        if name.endswith(ending):
            return f"names that end in {ending} are never taken"
    return None


def _pattern(files: Files) -> re.Pattern[str]:
    return re.compile(files.root if files.pattern_type == "regex" else _from_wildcard(files.root), re.DOTALL)


def _from_wildcard(root: str) -> str:
    """`*` and `?` side by side are one run, so `2024????` gives one value, not four."""
    runs = re.split(r"([*?]+)", root)
    return "".join(
        "(" + run.replace("*", ".*").replace("?", ".") + ")" if index % 2 else re.escape(run)
        for index, run in enumerate(runs)
    )


def _trouble(value: str) -> str | None:
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        return "holds bytes that are not UTF-8"
    if any(ord(sign) < ord(" ") or "\x7f" <= sign <= "\x9f" for sign in value):
        return "holds control characters"
    if "..." in value or value in {".", ".."} or "/" in value:
        return "holds `...` or is no folder name"
    if len(value.encode()) > _MAX_KEY_BYTES:
        return f"is longer than {_MAX_KEY_BYTES} bytes"
    return None
