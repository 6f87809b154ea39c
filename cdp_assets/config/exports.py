"""Export goals: who is delivered, in which files, under which names (spec.md 10)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cdp_assets.config.base import Name, PropertyName, RemoteDirectory, SecretRef, Strict
from cdp_assets.config.export_columns import (
    ExportColumn,
    LifecyclesColumn,
    ProfileIdColumn,
    PropertyColumn,
    SegmentsColumn,
)
from cdp_assets.config.export_events import ExportEvents
from cdp_assets.config.export_format import ExportFormat
from cdp_assets.config.export_names import check_template, differs_by_run, places_of
from cdp_assets.config.export_processors import ExportProcessor
from cdp_assets.config.lifecycles import Touchpoint
from cdp_assets.config.limits import ExportChecks
from cdp_assets.config.timezones import check_timezone

Population = Literal["changed", "all", "difference"]


class Split(Strict):
    """Several files instead of one; each is whole by itself, with its own header."""

    rows: int | None = Field(default=None, ge=1)
    """At most so many profiles in a file."""
    bytes: int | None = Field(default=None, ge=1_000)
    """At most so many bytes in a file, before compression and encryption; a longer row has a file of its own."""

    @model_validator(mode="after")
    def _one_measure(self) -> Split:
        if (self.rows is None) == (self.bytes is None):
            message = "split by rows or by bytes: give exactly one"
            raise ValueError(message)
        return self


class ExportFile(Strict):
    """What the delivered files are called, and when there are how many."""

    name: str = Field(default="{segment}_{timestamp}", min_length=1)
    """May hold {segment}, {goal}, {timestamp}, {run_id}, {part}, {action} and dates such as {yyyy-MM-dd}; `.csv` is
    added. With {timestamp} or {run_id} a new file each run; without, the same file is replaced."""
    gzip: bool = False
    """Whether the file is compressed; `.gz` is added to its name."""
    timezone: str = "UTC"
    """Zone of times in the name."""
    split: Split | None = None
    """Parts instead of one file; left out = one file."""
    when_empty: Literal["auto", "header", "no_file"] = "auto"
    """Nobody to deliver: a file with the header alone, or none; auto = none unless the population is `all`."""
    when_taken: Literal["replace", "skip", "new_name", "fail"] = "replace"
    """A file of that name stands there already: replaced whole; nothing delivered; `_1`, `_2` … added; an error."""
    manifest: bool = False
    """Deliver `<name>.manifest.json` after the files: rows, bytes and sha256 of each."""
    ready: str | None = Field(default=None, min_length=1)
    """An empty file delivered last, e.g. `{name}.ready`; {name} = the file's name without its extension."""

    _zone = field_validator("timezone")(check_timezone)
    _template = field_validator("name")(check_template)

    @field_validator("ready")
    @classmethod
    def _ready_is_a_name(cls, value: str | None) -> str | None:
        rest = (value or "").replace("{name}", "")
        if any(sign in rest for sign in "{}/") or (value or "").startswith("."):
            message = "ready is a file name without a folder, such as `{name}.ready`; {name} is its only place"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _parts_do_not_outlive_their_delivery(self) -> ExportFile:
        if self.split and not differs_by_run(self.name):
            told = "with split, the last parts of a longer delivery would stay beside those of a shorter one"
            message = f"{told}; put {{timestamp}} or {{run_id}} into the name"
            raise ValueError(message)
        if "part" in places_of(self.name) and not self.split:
            message = "the name has {part}, but nothing is split; add split, or leave {part} out"
            raise ValueError(message)
        return self


class Order(Strict):
    """What rows are sorted by; profiles without a value come last, equal ones in the order of their ids."""

    property: PropertyName
    """Property whose values decide; profiles without one come last."""
    descending: bool = False
    """Whether the highest comes first."""


def _order_by_name(value: Any) -> Any:
    return {"property": value} if isinstance(value, str) else value


class ExportPgp(Strict):
    """Encryption of one goal's files; what is left out is that of the connection."""

    public_keys: tuple[SecretRef, ...] = ()
    """Encrypt to every one of these instead of the connection's `public_keys`."""
    encrypt: bool = True
    """False: plain files although the connection has public keys."""
    sign: bool = False
    """Sign with the connection's private key."""
    armor: bool = False
    """Text instead of binary."""

    @model_validator(mode="after")
    def _plain_is_plain(self) -> ExportPgp:
        if not self.encrypt and (self.public_keys or self.sign or self.armor):
            message = "encrypt: false leaves nothing to do for public_keys, sign and armor"
            raise ValueError(message)
        return self


class ExportProfilesGoal(Strict):
    """Writes the members of a segment to files on the server."""

    type: Literal["export_profiles"]
    """The kind of goal."""
    name: Name
    """Unique within the connection; the second part of its asset's name. Never change it: it says what was sent."""
    description: str = ""
    """What people read about it on the web page."""
    active: bool = True
    """An inactive goal keeps its asset and history but takes part in no run."""
    segment: Name
    """Whose members are exported."""
    exclude_segments: tuple[Name, ...] = ()
    """Members of one of these are left out and counted `excluded_segment`."""
    lifecycle: Touchpoint | None = None
    """The goal's place in a lifecycle: members who are in none of its stages are left out, counted `not_in_stage`."""
    directory: RemoteDirectory = ""
    """Relative to the connection's user directory unless it starts with `/`."""
    population: Population = "changed"
    """changed = members never delivered by this goal, or whose properties differ since; all = every member, each
    time; difference = what was added, changed and removed since the last delivery."""
    difference: Literal["files", "column"] = "files"
    """How `population: difference` tells them apart: by files (`_added`, `_changed`, `_removed`), or by a column."""
    action_column: str = Field(default="action", min_length=1)
    """Header of that column, the first; its values are added, changed and removed."""
    file: ExportFile = ExportFile()
    """How the file is called, and when it is written."""
    format: ExportFormat = ExportFormat()
    """How the file is laid out."""
    ids: Literal["ids", "names"] = "ids"
    """names = segments by title; profiles and groups by their `display_name`, where they have one."""
    columns: tuple[ExportColumn, ...] = Field(min_length=1)
    """The columns of the file, in this order."""
    events: ExportEvents | None = None
    """The members' timeline events, in files of their own beside that of the profiles; left out = none."""
    processors: tuple[ExportProcessor, ...] = ()
    """Change or drop rows just before they are written, in this order; fields they add become the last columns."""
    order_by: tuple[Annotated[Order, BeforeValidator(_order_by_name)], ...] = ()
    """Properties the rows are sorted by; none = by profile id."""
    pgp: ExportPgp = ExportPgp()
    """How the file is encrypted and signed; left out = it is not."""
    checks: ExportChecks = ExportChecks()
    """What is checked of its last delivery, and within which limits."""

    @model_validator(mode="after")
    def _headers_differ(self) -> ExportProfilesGoal:
        headers = [column.column_name for column in self.columns]
        if self.has_action_column:
            headers.append(self.action_column)
        twice = sorted({header for header in headers if headers.count(header) > 1})
        if twice:
            message = f"two columns have the header {twice[0]!r}; rename one with `as`"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _differences_have_a_key(self) -> ExportProfilesGoal:
        if self.population == "difference" and not (
            any(isinstance(column, ProfileIdColumn) for column in self.columns) and self.ids == "ids"
        ):
            told = "population: difference says who was removed by the profile id"
            message = f"{told}; add the column {{profile_id: {{}}}}, and leave ids: names out"
            raise ValueError(message)
        has_place = "action" in places_of(self.file.name)
        if has_place and not (self.population == "difference" and self.difference == "files"):
            message = "the name has {action}, which only population: difference with difference: files fills"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _skipped_is_not_removed(self) -> ExportProfilesGoal:
        if self.population == "difference" and self.is_counted:
            told = "who is skipped at a threshold would be told as removed by population: difference"
            message = f"{told}; take another population, or lifecycle.add_event: false"
            raise ValueError(message)
        return self

    @property
    def is_counted(self) -> bool:
        """Whether each profile it delivers counts in its stage."""
        return self.lifecycle is not None and self.lifecycle.add_event

    @property
    def has_action_column(self) -> bool:
        """Whether a column tells what was added, changed and removed."""
        return self.population == "difference" and self.difference == "column"

    @property
    def header(self) -> tuple[str, ...]:
        """The headers of its columns before processors, in order."""
        return tuple(column.column_name for column in self.columns)

    @property
    def properties_used(self) -> tuple[str, ...]:
        """The properties its columns show."""
        return tuple(column.property for column in self.columns if isinstance(column, PropertyColumn))

    def naming_property(self, display_name: str | None) -> tuple[str, ...]:
        """The property by which it names profiles, if it does."""
        shown = self.events is not None or any(isinstance(column, ProfileIdColumn) for column in self.columns)
        return (display_name,) if display_name is not None and self.ids == "names" and shown else ()

    def segments_used(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """The segments it must know the members of; `known` are all there are."""
        shown = [column.segments for column in self.columns if isinstance(column, SegmentsColumn)]
        named = [name for names in shown for name in (known if names == "all" else names)]
        return tuple(dict.fromkeys([self.segment, *self.exclude_segments, *named]))

    def lifecycles_used(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """The lifecycles it must know the profiles of; `known` are all there are."""
        used = {self.lifecycle.id} if self.lifecycle else set()
        for column in self.columns:
            if isinstance(column, LifecyclesColumn):
                used |= set(known if column.lifecycles == "all" else column.lifecycles)
        return tuple(name for name in known if name in used)

    @property
    def writes_empty_files(self) -> bool:
        """`file.when_empty`, with `auto` resolved."""
        if self.file.when_empty == "auto":
            return self.population == "all"
        return self.file.when_empty == "header"
