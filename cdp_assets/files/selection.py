"""Which names on a server belong to a goal, and the partition each of them is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdp_assets.config.files import Files
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown

DONE = ".done"
NEVER_ENDINGS = (DONE, ".part")
"""Files we renamed after their import, and uploads that are not finished."""

PACKED = (".gz", ".zip", ".pgp", ".gpg", ".txt")
"""What senders, or their programs, add to the name of a file: that it is packed or encrypted, or a text."""

_MAX_KEY_BYTES = 255
_DIGITS = re.compile(r"([0-9]+)")
_RUN = re.compile(r"([*?]+)")
_EXTENSIONS = re.compile(r"(\.[A-Za-z][A-Za-z0-9]*)+")
_BETWEEN = " | "

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
    return ("_" if plain else _BETWEEN).join(values)


def short_key(files: Files, value: str) -> str:
    """What people see of a wildcard value: without a last text that is empty, so long as keys stay distinct.

    `kunden_*.csv*` takes `kunden_24.csv`, whose value is `24 | `; what is seen is `24`. Where two wildcards stand
    around an extension, what is under the second is always set off by ` | `: of `kunden_24.csv.gz`, `24_.gz`, it
    is `24 | .gz`. So `a_b.csv` and `a.csvb` differ. Values of regular expressions stay as they are, as a group
    that takes no part is no text.
    """
    literals = _RUN.split(files.root)[::2]
    if files.pattern_type != "wildcard" or len(literals) < 3:
        return value
    nothing_captured = "".join(literals).split(".")[0]
    if value == nothing_captured:
        return value
    short = _shortened(value, len(literals) - 1, around_extension=_is_around_extension(literals))
    return value if short == nothing_captured else short


def _is_around_extension(literals: Sequence[str]) -> bool:
    """Whether the root is of the form `…*.csv*`."""
    return len(literals) == 3 and not literals[2] and _EXTENSIONS.fullmatch(literals[1]) is not None


def _shortened(value: str, wildcards: int, *, around_extension: bool) -> str:
    texts = value.split(_BETWEEN)
    if around_extension and len(texts) == 1 and value.count("_") == 1 and all(value.split("_")):
        return value.replace("_", _BETWEEN)
    *kept, last = texts
    if last or len(texts) != wildcards or not all(kept):
        return value
    told_apart = around_extension or not any("_" in text for text in kept)
    return "_".join(kept) if told_apart else value


def root_without(files: Files, names: Sequence[str]) -> str:
    """A root for `match: regex` that takes what the goal's takes, under the same keys, but for these names."""
    those = "|".join(map(re.escape, names))
    return f"(?!(?:{those})$){_pattern(files).pattern}"


def why_not(files: Files, name: str) -> str | None:
    """Why a name is not taken by the goal, in words; None when it is."""
    if never_taken(name) is not None:
        return never_taken(name)
    if wildcard_value(files, name) is None:
        but = "; only upper and lower case differ" if differs_in_case(files, name) else ""
        return f"it does not match the {files.pattern_type} name {files.root!r}{but}"
    return None


def fits_but_for(files: Files, name: str) -> str:
    """What a name ends in that would be taken without it: the sign of a packed or sealed file; empty = it would not."""
    for ending in PACKED:
        if name.endswith(ending) and wildcard_value(files, name.removesuffix(ending)) is not None:
            return ending
    return ""


def numbered_root(files: Files, name: str) -> str:
    """A root with `*` that takes a name as well, which differs from the goal's whole name in one number; else empty."""
    own, other = _DIGITS.split(files.root), _DIGITS.split(name)
    if files.pattern_type != "exact" or own[::2] != other[::2]:
        return ""
    differing = [place for place in range(1, len(own), 2) if own[place] != other[place]]
    if len(differing) != 1:
        return ""
    return "".join("*" if place in differing else text for place, text in enumerate(own))


def differs_in_case(files: Files, name: str) -> bool:
    """Whether a name that is not taken would be if upper and lower case did not count."""
    if files.pattern_type == "exact":
        return name.casefold() == files.root.casefold()
    return re.compile(_pattern(files).pattern, re.IGNORECASE).fullmatch(name) is not None


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
    runs = _RUN.split(pattern)
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
    runs = _RUN.split(root)
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
