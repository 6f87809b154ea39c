"""Checks a regular expression before the engine (RE2) sees it, so that the YAML author hears of it at load."""

from __future__ import annotations

import re
import warnings

MAX_REPEATS = 1000
"""RE2 refuses a higher count."""

_ESCAPED = re.compile(r"\\(?P<sign>.)", re.S)
_BY_NUMBER = re.compile(r"\\x\{[0-9A-Fa-f]{1,6}\}")
_KNOWN_LETTERS = frozenset("aftnrvdDsSwWbBAzQECpPx")
"""Letters that mean something behind a backslash."""
_UNICODE_CLASS = re.compile(r"\\[pP](?:\{\^?\w+\}|[A-Za-z])")
_UNKNOWN_GROUPS = {
    "(?=": "look-ahead",
    "(?!": "look-ahead",
    "(?<=": "look-behind",
    "(?<!": "look-behind",
    "(?>": "atomic groups",
    "(?(": "conditions",
    "(?P=": "back-references",
    "(?#": "comments",
}
_POSSESSIVE = re.compile(r"[*+?}]\+")
_REPEATS = re.compile(r"\{(\d*),?(\d*)\}")


def check_expression(pattern: str) -> int:
    """The number of groups of an expression that RE2 can run.

    Raises:
        ValueError: it cannot; the YAML author must act.
    """
    letters = (found["sign"] for found in _ESCAPED.finditer(pattern))
    unknown = next((sign for sign in letters if sign.isalpha() and sign not in _KNOWN_LETTERS), "")
    if unknown:
        cure = "a sign is written by its number as \\x{20AC}" if unknown in "uUN" else "the end of the text is \\z"
        message = f"{pattern!r} uses \\{unknown}, which regular expressions here do not have"
        raise ValueError(f"{message}; {cure}" if unknown in "uUNZ" else message)
    plain = _BY_NUMBER.sub("_", _UNICODE_CLASS.sub(r"\\w", pattern))
    bare = _ESCAPED.sub(lambda found: "\\1" if found["sign"] in "123456789" else "_", plain)
    problem = _unsupported(bare)
    if problem:
        message = f"{pattern!r} uses {problem}, which regular expressions here do not have"
        raise ValueError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(plain.replace(r"\z", r"\Z")).groups
    except (re.error, OverflowError) as error:
        message = f"{pattern!r} is not a regular expression: {error}"
        raise ValueError(message) from error


def check_replacement(replacement: str, groups: int) -> None:
    r"""Refuses a replacement with a backslash before anything but a group's number (`\0` = all) or a backslash.

    Raises:
        ValueError: the YAML author must act.
    """
    rest = replacement.replace("\\\\", "")
    for found in re.finditer(r"\\(.?)", rest, re.S):
        sign = found[1]
        if not (sign.isascii() and sign.isdigit()):
            message = f"{replacement!r} holds a backslash; write two for one that is meant"
            raise ValueError(message)
        if int(sign) > groups:
            message = f"{replacement!r} names group {sign}, but the pattern has {groups}"
            raise ValueError(message)


def _unsupported(bare: str) -> str | None:
    for start, name in _UNKNOWN_GROUPS.items():
        if start in bare:
            return name
    if "\\1" in bare:
        return "back-references"
    if _POSSESSIVE.search(bare):
        return "possessive repeats"
    counts = [int(count) for found in _REPEATS.finditer(bare) for count in found.groups() if count]
    return f"more than {MAX_REPEATS} repeats" if any(count > MAX_REPEATS for count in counts) else None
