"""What a document shows of a command's output, beside what was really printed."""

import re
from collections.abc import Sequence

CHANGING = (
    (re.compile(r"127\.0\.0\.1(\]?):\d+"), r"127.0.0.1\1:PORT"),
    (re.compile(r"SHA256:[\w+/]{43}"), "SHA256:KEY"),
    (re.compile(r"\b\d{14}\b|(?<=_)\d{14}"), "MOMENT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "MOMENT"),
    (re.compile(r"(?:^|(?<=batch ))[0-9a-f]{8}\b"), "BATCH"),
    (re.compile(r"\bof \d+ partitions\b"), "of so many partitions"),
    (re.compile(r"─+"), "─"),
    (re.compile(r"\s+"), " "),
)
"""What is different on each machine or at each time, the width of tables, and what to call it."""
LEFT_OUT = "…"


def difference(shown: str, printed: str) -> str:
    """The first line shown that was not printed in its place; nothing if all were.

    A line `…` stands for any lines, `…` in a line for any text.
    """
    wanted, found = _lines(shown), _lines(printed)
    place = _unmatched(wanted, found)
    return "" if place is None else f"shown, but not printed there: {(*wanted, '(the end)')[place]!r}\n{printed}"


def _lines(text: str) -> list[str]:
    return [line for line in map(_stable, text.splitlines()) if line]


def _stable(line: str) -> str:
    for changing, name in CHANGING:
        line = changing.sub(name, line.strip())
    return line


def _unmatched(wanted: Sequence[str], found: Sequence[str]) -> int | None:
    """After each line shown: where among the printed ones it may have been."""
    places = {0}
    for number, line in enumerate(wanted):
        if line == LEFT_OUT:
            places = set(range(min(places), len(found) + 1))
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split(LEFT_OUT))))
        places = {place + 1 for place in places if place < len(found) and pattern.fullmatch(found[place])}
        if not places:
            return number
    return None if len(found) in places else len(wanted)
