"""Rows as a careless export writes them, and the count of what is wrong with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from random import Random

ROWS_PER_SPOILT_ROW = 400


class Dirt(StrEnum):
    """What can be odd about a row; a row has at most one of them. The last two groups must be imported."""

    too_many_columns = "too_many_columns"
    """`Ashvale; Jr.` without quotes: the row has one cell more than the header, and the rest is shifted."""
    text_after_quote = "text_after_quote"
    """`"Ann" (old)`: text between a closing quote and the separator."""

    missing_email = "missing_email"
    invalid_email = "invalid_email"
    amount_with_currency = "amount_with_currency"
    """`12 EUR` where a number belongs."""
    impossible_date = "impossible_date"
    """30 February."""
    not_a_number = "not_a_number"
    stranger = "stranger"
    """The address (`guest.…`) of somebody who never was a customer."""
    orphan = "orphan"
    """A line of an order that no file holds."""
    missing_time = "missing_time"
    unknown_consent = "unknown_consent"
    broken_list = "broken_list"
    """A cell that starts as a JSON list and does not end as one."""

    untidy_email = "untidy_email"
    """Upper case, with spaces around it."""
    duplicate = "duplicate"
    """The row before, once more, byte for byte."""

    quoted_separator = "quoted_separator"
    quoted_newline = "quoted_newline"


Spoiler = tuple[str, Callable[[str], str]]
"""A column, and what becomes of its cell."""

EMAIL_SPOILERS: Mapping[Dirt, Callable[[str], str]] = {
    Dirt.missing_email: lambda _: "",
    Dirt.invalid_email: lambda email: email.replace("@", "(at)"),
    Dirt.untidy_email: lambda email: f" {email.upper()} ",
    Dirt.stranger: lambda email: f"guest.{email}",
}


@dataclass(frozen=True)
class FileSummary:
    """What stands in one written file."""

    path: str
    """Relative to the shop's folder, with `/`."""
    rows: int
    """Rows without the header, the spoilt ones included."""
    dirt: Mapping[Dirt, int]
    """Rows of each kind of dirt; a kind that does not occur is not listed."""


@dataclass
class Sheet:
    """A delimited file in the making. Line ends are LF, the text is UTF-8 without a mark."""

    header: tuple[str, ...]
    separator: str = ","
    spoilers: Mapping[Dirt, Spoiler] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    dirt: Counter[Dirt] = field(default_factory=Counter)

    def add_rows(self, rng: Random, rows: Sequence[Sequence[str]], kinds: Sequence[Dirt]) -> None:
        """Append the rows; about one in 400 for each kind of dirt is spoilt in that way."""
        plan = _plan_dirt(rng, len(rows), kinds)
        for place, cells in enumerate(rows):
            self.add(cells, plan.get(place))

    def add(self, cells: Sequence[str], dirt: Dirt | None = None) -> None:
        """Append one row; with `dirt` spoilt in that way, and counted."""
        if dirt is None:
            self.lines.append(self._line(cells))
            return
        self.dirt[dirt] += 1
        self.lines.extend(self._spoilt_lines(list(cells), dirt))

    def write(self, folder: Path, path: str, *, day: date, at: time) -> FileSummary:
        """Write the file as if a machine had left it at that time (UTC); an older one is replaced."""
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join([self._line(self.header), *self.lines]) + "\n"
        target.write_bytes(text.encode())
        written_at = datetime.combine(day, at, tzinfo=UTC).timestamp()
        os.utime(target, (written_at, written_at))
        return FileSummary(path, len(self.lines), dict(sorted(self.dirt.items())))

    def _line(self, cells: Iterable[str]) -> str:
        return self.separator.join(self._quoted(cell) for cell in cells)

    def _quoted(self, cell: str) -> str:
        if not any(sign in cell for sign in (self.separator, '"', "\n")):
            return cell
        return '"' + cell.replace('"', '""') + '"'

    def _spoilt_lines(self, cells: list[str], dirt: Dirt) -> list[str]:
        if dirt is Dirt.duplicate:
            return [self._line(cells)] * 2
        if dirt is Dirt.too_many_columns:
            return [self._line([*cells[:3], " Jr.", *cells[3:]])]
        if dirt is Dirt.text_after_quote:
            quoted = f'"{cells[1]}" (old)'
            return [self.separator.join([self._quoted(cells[0]), quoted, *map(self._quoted, cells[2:])])]
        column, spoil = self.spoilers[dirt]
        place = self.header.index(column)
        cells[place] = spoil(cells[place])
        return [self._line(cells)]


def email_spoilers(column: str) -> dict[Dirt, Spoiler]:
    """What can befall the e-mail addresses of that column."""
    return {dirt: (column, spoil) for dirt, spoil in EMAIL_SPOILERS.items()}


def amount_text(cents: int | None, *, decimal: str) -> str:
    """An amount with two decimals and no grouping; empty for None."""
    return "" if cents is None else f"{cents // 100}{decimal}{cents % 100:02d}"


def _plan_dirt(rng: Random, rows: int, kinds: Sequence[Dirt]) -> dict[int, Dirt]:
    """Which rows are spoilt, and how: no row twice, every kind at least once where there are enough rows."""
    each = max(1, rows // ROWS_PER_SPOILT_ROW)
    places = rng.sample(range(rows), min(rows, each * len(kinds)))
    return {place: kinds[turn % len(kinds)] for turn, place in enumerate(places)}
