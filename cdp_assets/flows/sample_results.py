"""What a preview found in the sample of one file set."""

from __future__ import annotations

from dataclasses import dataclass, field

from cdp_assets.flows.detect_columns import ColumnProfile

Cell = str | list[str] | None
"""A text, or of a linked file a text for each row that belongs to the root's; None = empty."""


@dataclass(frozen=True)
class SampleRows:
    """The first rows at one stage."""

    columns: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    """Line of the file each row begins on."""
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True)
class SampleReject:
    """A row or cell that an import would refuse."""

    level: str
    line_no: int | None
    column_name: str
    raw_text: str
    reason: str
    file_name: str
    """A linked file; empty = the root file."""


@dataclass(frozen=True)
class Refused:
    """All that would be refused of the sample."""

    rows: int
    cells: int
    first: tuple[SampleReject, ...]


@dataclass(frozen=True)
class Identified:
    """Rows of the sample that identify alike."""

    rows: int
    ids: tuple[tuple[str, ...], ...]
    """Per identifying column of the goal, the canonical values in it."""


@dataclass(frozen=True)
class Mapped:
    """What the goal's mappings make of the sample."""

    values: SampleRows = SampleRows()
    """By property, as texts; first the identifiers, several of them as one text."""
    invalid: frozenset[int] = frozenset()
    """Lines among those of `values` whose identifier is not valid."""
    identifiers: dict[str, Identified] = field(default_factory=dict)
    """The identifiers of a row, as one text → what they are."""
    no_identifier: int = 0
    """Rows of the sample that name nobody."""


@dataclass(frozen=True)
class TypeEvents:
    """The timeline events of one type that the sample would make."""

    type: str
    rows: SampleRows
    """The first of them, by the line of the root file: id, date, fields, and how many items each nested field has."""
    people: tuple[str, ...]
    """For each of `rows` the identifiers of its row, as one text."""
    made: dict[str, int]
    """Identifiers of rows, as one text → their events; rows with one key are one event."""


@dataclass(frozen=True)
class EventsPreview:
    """What the sample would make of timeline events."""

    received: int = 0
    """Rows that bring one."""
    rejected: int = 0
    """Events, each with all its rows."""
    repeated: int = 0
    """Rows of a drop folder whose event came before in the sample."""
    good_rows: dict[str | None, int] = field(default_factory=dict)
    """Identifiers of rows, as one text → rows with an event that is not rejected; None = they identify nobody."""
    types: tuple[TypeEvents, ...] = ()
    rejects: tuple[SampleReject, ...] = ()
    """The first mistakes in events that would be rejected."""


@dataclass(frozen=True)
class SetPreview:
    """What was seen in the sample of a file set."""

    rows_read: int
    """Rows of the root file that could be read."""
    raw_columns: tuple[str, ...]
    """The root file's own."""
    columns: tuple[ColumnProfile, ...]
    """Of the root file after its processors, then of linked files after theirs."""
    before: SampleRows
    refused: Refused
    after: SampleRows = SampleRows()
    """After the processors, with the linked columns."""
    dropped: tuple[int, ...] = ()
    """Lines among those of `before` that processors leave out."""
    rows_filtered: int = 0
    linked: dict[str, dict[str, int]] = field(default_factory=dict)
    """Alias → its rows, and those that belong to no row of the sample."""
    mapped: Mapped = field(default_factory=Mapped)
    events: EventsPreview = field(default_factory=EventsPreview)
    event_columns: dict[str, list[str]] = field(default_factory=dict)
    """Column → the fields of events it goes into."""
    missing: tuple[str, ...] = ()
    """Columns the goal names and the files do not have."""
    unmapped: tuple[str, ...] = ()
    """Columns the goal makes nothing of."""
    problems: tuple[str, ...] = ()
    """Why an import of these files would fail."""
    warnings: tuple[str, ...] = ()
    """What an import would do that is perhaps not meant."""
