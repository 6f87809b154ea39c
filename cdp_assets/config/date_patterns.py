"""The bilingual date pattern language of spec.md 4.1: Moment and Java tokens, read alike.

`YYYY` and `yyyy` are the calendar year, `DD` and `dd` the day of the month: never week-year, never day-of-year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STRPTIME = {
    "YYYY": "%Y",
    "yyyy": "%Y",
    "YY": "%y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "DD": "%d",
    "D": "%d",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "m": "%M",
    "ss": "%S",
    "s": "%S",
    "A": "%p",
    "a": "%p",
}
"""Our tokens in the words of strptime; the engine accepts one or two digits for each."""

TOKEN = re.compile(r"\[(?P<square>[^\]]*)\]|'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\4*)|(?P<other>[^A-Za-z])")


@dataclass(frozen=True)
class DatePattern:
    """A pattern, read: what the engine's strptime wants."""

    strptime: str
    has_day: bool


def parse_date_pattern(pattern: str) -> DatePattern:
    """Reads a pattern.

    Raises:
        ValueError: a letter means nothing; write it as `[text]` or `'text'` if it is meant literally.
    """
    pieces = []
    tokens = set()
    for found in TOKEN.finditer(pattern):
        letters = found["letters"]
        if letters is None:
            text = next(part for part in (found["square"], found["quoted"], found["other"]) if part is not None)
            pieces.append(text.replace("%", "%%"))
        elif letters == "T":
            pieces.append("T")
        elif letters in STRPTIME:
            pieces.append(STRPTIME[letters])
            tokens.add(STRPTIME[letters])
        else:
            message = f'Unknown date token "{letters}"'
            raise ValueError(message)
    return DatePattern("".join(pieces), has_day="%d" in tokens)
