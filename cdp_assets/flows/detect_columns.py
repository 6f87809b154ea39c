"""Finds out what the columns of a sample hold: type, date format, how full they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cdp_assets.config.date_patterns import is_of_days
from cdp_assets.config.files import Format
from cdp_assets.config.properties import PropertyType
from cdp_assets.sql.date_detection import (
    DateCounts,
    KnownFormat,
    choose_format,
    date_counts,
    detection_by_group,
    reads_either_way,
)
from cdp_assets.sql.profiling import ColumnCounts, column_counts, counts_query, sketches_query, tall_cells
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import Database

EXAMPLES = 3
MOST_ROWS = 20_000
MOST_CELLS = 1_000_000
"""So many rows, and of wide files so many cells, tell what the columns are; more only take longer."""
SKETCH = 2000
"""So many hashes of a column's texts tell what it has in common with another."""
LEAST_COMPARED = 5
"""Fewer values of a column tell nothing of where else they stand."""
_MOST = 0.9
"""Share of the filled cells that must be of a type; the rest would be rejected cells."""
_SOME = 0.05
"""Share of the filled cells that must hold several values for the column to be one of lists."""
_DIGIT_FORMATS = {KnownFormat.compact, KnownFormat.epoch_millis, KnownFormat.epoch_seconds}


@dataclass(frozen=True)
class Detected:
    """What a column looks like."""

    type: PropertyType | None
    """None = no cell is filled."""
    detail: str = ""
    """Of dates the format, of decimals the sign."""
    fitting: int = 0
    """Filled cells that are of this type."""
    multiple: bool = False
    """Whether cells hold several values."""
    places: int = 0
    """Of decimals, the most places one is written with."""
    whole_days: bool = False
    """Of dates, whether none of them has a time of day."""
    either_way: bool = False
    """Of dates, whether they are taken as month first and may all be day first as well."""
    note: str = ""


def _has_times(detected: Detected) -> bool:
    """Whether its format may have a time of day, and some dates have one."""
    return "[" in detected.detail and not detected.whole_days


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a sample."""

    name: str
    """As a mapping names it: columns of linked files with their alias."""
    rows: int
    """Rows looked at."""
    filled: int
    distinct: int
    examples: tuple[str, ...]
    """The first different texts."""
    detected: Detected
    cut: bool = False
    """Whether there are more rows than were looked at."""
    sketch: tuple[int, ...] = field(default=(), repr=False)
    """The smallest hashes of its different texts, at most `SKETCH`, in their order."""

    @property
    def looks_like(self) -> str:
        """Type, format and doubts, for people."""
        detected = self.detected
        if detected.type is None:
            return "(empty)"
        told = f"{detected.type}, several values" if detected.multiple else str(detected.type)
        # What may be absent in a format only makes it hard to read here.
        told += f" {detected.detail.split('[')[0] or detected.detail}" if detected.detail else ""
        told += " with times" if detected.type is PropertyType.datetime and _has_times(detected) else ""
        if detected.fitting < self.filled:
            told += f"; {self.filled - detected.fitting:,} of another form"
        return f"{told}; {detected.note}" if detected.note else told

    @property
    def filled_share(self) -> str:
        """In per cent of the rows, rounded, but 100 only where all are; empty = there are no rows."""
        if not self.rows:
            return ""
        tenths = (2000 * self.filled + self.rows) // (2 * self.rows)
        return f"{(tenths if self.filled == self.rows else min(tenths, 999)) / 10:g} %"


def share_held(column: ColumnProfile, other: ColumnProfile) -> float:
    """Which share of the values of a column the other one holds as well, from 0 to 1; 0 also where few tell it."""
    # Of a column with more values only those below its last hash are known to stand there, or not.
    end = other.sketch[-1] if len(other.sketch) == SKETCH else None
    own = [mark for mark in column.sketch if end is None or mark <= end]
    if len(own) < LEAST_COMPARED:
        return 0.0
    return len(set(own).intersection(other.sketch)) / len(own)


def profile_columns(
    engine: Database, relation: Sql, columns: Mapping[str, Sql], layout: Format, prefix: str = ""
) -> Iterator[ColumnProfile]:
    """Profiles each column of a relation with line_no. `prefix` stands before the names that come out."""
    if not columns:
        return
    (rows,) = engine.row(sql("SELECT count(*) FROM {relation}", relation=relation))
    most = min(MOST_ROWS, MOST_CELLS // len(columns))
    engine.run(tall_cells(list(columns.values()), relation, most))
    found = {int(place): (counts, texts) for place, counts, texts in engine.rows(counts_query(layout))}
    sketches = dict(engine.rows(sketches_query(SKETCH)))
    dates = dict(engine.rows(detection_by_group(Sql("text"), Sql("place"), Sql("tall"))))
    for place, name in enumerate(columns):
        if place not in found:
            yield ColumnProfile(f"{prefix}{name}", 0, 0, 0, (), Detected(None))
            continue
        numbers, texts = found[place]
        counts = column_counts(numbers)
        yield ColumnProfile(
            f"{prefix}{name}",
            min(int(rows), most),
            counts.filled,
            counts.distinct,
            tuple(dict.fromkeys(texts or ()))[:EXAMPLES],
            detect(counts, date_counts(dates[place]), layout),
            cut=int(rows) > most,
            sketch=tuple(sketches.get(place, ())),
        )


def detect(counts: ColumnCounts, dates: DateCounts, layout: Format) -> Detected:
    """The type of a column, from its counts; numbers as the layout writes them."""
    if not counts.filled:
        return Detected(None)
    if counts.several >= max(1, _SOME * counts.filled):
        return Detected(PropertyType.text, fitting=counts.filled, multiple=True)
    email = Detected(PropertyType.email, fitting=counts.email)
    for found in (email, _dates_of(counts, dates, layout), _number_of(counts, layout)):
        if found is not None and _is_most(found.fitting, counts):
            return found
    note = "digits with leading zeros" if _is_most(counts.decimal, counts) else ""
    if not note and _is_most(counts.amounts, counts):
        note = "amounts with blanks or signs, which a find_replace makes numbers: docs/importing.md#processors"
    return Detected(PropertyType.text, fitting=counts.filled, note=note)


def _is_most(count: int, counts: ColumnCounts) -> bool:
    return count >= _MOST * counts.filled


def _number_of(counts: ColumnCounts, layout: Format) -> Detected | None:
    """What the column is as one of numbers; leading zeros would be lost, so they make a text."""
    if counts.leading_zeros >= (1 - _MOST) * counts.filled:
        return None
    # 80,00 is a whole number too, but where it is written so, 9,50 will come.
    if _is_most(counts.number, counts) and not counts.places:
        note = "may be UNIX time in seconds" if counts.epoch_seconds == counts.filled else ""
        return Detected(PropertyType.number, fitting=counts.number, note=note)
    if not _is_most(counts.decimal, counts) and _is_most(counts.other_decimal, counts):
        other = "," if layout.decimal == "." else "."
        note = f"numbers with decimal {other}, but format.decimal is {layout.decimal}"
        return Detected(
            PropertyType.decimal, f"with {other}", counts.other_decimal, places=counts.other_places, note=note
        )
    return Detected(PropertyType.decimal, f"with {layout.decimal}", counts.decimal, places=counts.places)


def _dates_of(counts: ColumnCounts, dates: DateCounts, layout: Format) -> Detected | None:
    """What the column is as one of dates; digits alone are dates only where all of them may be."""
    if _is_most(counts.dates, counts):
        days = is_of_days(layout.date_format)
        return Detected(PropertyType.datetime, layout.date_format, counts.dates, whole_days=days)
    if counts.compact_dates == counts.filled:
        best = KnownFormat.compact
    elif counts.epoch_millis == counts.filled:
        best = KnownFormat.epoch_millis
    else:
        best = choose_format(dates)
        if best in _DIGIT_FORMATS:
            return None
    own = layout.date_format
    note = "" if own == "auto" else f"dates as {best.value}, but format.date_format is {own}"
    either = own == "auto" and reads_either_way(dates)
    if either:
        note = f"or {KnownFormat.day_first.shortest}: say which with format.date_format"
    days = not counts.clocks and best not in {KnownFormat.epoch_millis, KnownFormat.epoch_seconds}
    fitting = dates.read.get(best, 0)
    return Detected(PropertyType.datetime, best.value, fitting, whole_days=days, either_way=either, note=note)
