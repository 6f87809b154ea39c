"""Tells where the values of a profile came from: folds its rows anew, one after the other, and watches.

The fold is the real one, in a warehouse of its own that holds nothing but the connected rows
(`flows/collect_rows.py`). Nothing is stored beside a value; nothing is written to the data folder but staging.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cdp_assets.config.consent import TARGETS
from cdp_assets.config.goals import Rule
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.flows.apply_pass import apply_pass
from cdp_assets.flows.collect_rows import Collected, Value, collect_rows, write_few
from cdp_assets.flows.fit_columns import add_missing_columns, wanted_shape
from cdp_assets.flows.folders import DataFolders, staging_folder
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.sql import looking
from cdp_assets.sql.tables import PROFILE_COLUMNS
from cdp_assets.warehouse import Database, scratch

Maker = tuple[str, str, int]
"""Property, value and number of the row that made a profile: what its domain group calls it wherever it is folded."""
OWN = frozenset(column.name for column in PROFILE_COLUMNS)
"""Columns of a profile that are no properties."""
GROWING = frozenset({Rule.add, Rule.sum, Rule.patch})
"""Rules whose result hangs on what was there before."""


@dataclass(frozen=True)
class RowPlace:
    """One row of a file."""

    connection: str
    goal: str
    file: str
    line: int
    """Line of the file as received, from 1."""
    row: int
    """Row of its batch, from 1."""
    batch_id: str
    seen_at: datetime
    """When the file was first seen on the server."""


@dataclass(frozen=True)
class Change:
    """What one row did to one property of one profile."""

    place: RowPlace
    profile: Maker
    property: str
    before: Any
    after: Any
    by: tuple[str, ...]
    """`column (rule)` of the file's columns that write the property; empty = only a merge did."""
    grows: bool
    """Whether the value hangs on what was there before."""
    merged: tuple[Maker, ...]
    """Profiles that became this one by the same row."""
    taken_from: Maker | None
    """Of these, the one that held just this value before: there it came from."""


@dataclass
class Trace:
    """All changes of a profile and of those that became it, in order."""

    profile: Maker
    changes: list[Change] = field(default_factory=list)
    merged: dict[Maker, tuple[RowPlace, Maker]] = field(default_factory=dict)
    """Profile → the row that found it and another, and which it became."""
    values: dict[str, Any] = field(default_factory=dict)
    """What the profile holds in the end."""
    rows: int = 0
    """How many rows were folded for it."""

    def standing(self, name: str) -> list[Change]:
        """The operations that made the value a property has now, the latest first; without a value, what cleared it."""
        return list(self._standing(self.profile, name, len(self.changes)))

    def _standing(self, profile: Maker, name: str, before: int) -> Iterator[Change]:
        for place in range(before - 1, -1, -1):
            change = self.changes[place]
            if (change.profile, change.property) != (profile, name):
                continue
            if change.taken_from:
                yield from self._standing(change.taken_from, name, place)
                return
            yield change
            for other in change.merged:
                yield from self._standing(other, name, place)
            if not (change.grows or (change.merged and isinstance(change.after, list))):
                return

    def history(self, name: str) -> list[Change]:
        """Every operation on a property, also of profiles that became this one, in order."""
        return [change for change in self.changes if change.property == name]


def trace_profile(
    model: CustomerModelConfig,
    folders: DataFolders,
    batches: Sequence[Placed],
    profile: Maker,
    became_it: Collection[Maker],
    seed: Collection[Value],
    limit: int,
) -> Trace:
    """Folds what is connected to `seed` and tells what each row did to the profile.

    Args:
        model: today's properties.
        folders: where staging is.
        batches: those of profiles of its domain group, in order.
        profile: who it is about.
        became_it: who became that profile.
        seed: identifiers that lead to it.
        limit: at most so many rows.

    Raises:
        ConfigError: the caller must act: there are more rows; or a property's type no longer fits batches.
    """
    shape = wanted_shape(model, [item.manifest for item in batches])
    with staging_folder(folders) as staging, scratch(staging / "spill") as database:
        rows = collect_rows(database, batches, seed, limit)
        prepare_schemas(database)
        add_missing_columns(database, shape)
        names = [name for (name,) in database.rows(looking.COLUMNS, ["profiles"]) if name not in OWN or name in TARGETS]
        watch = _Watch(database, [profile, *became_it], names, Trace(profile))
        for item in rows:
            _fold(watch, item, staging)
        watch.trace.values = {name: value for name, value in watch.values.get(profile, {}).items() if value is not None}
        return watch.trace


@dataclass
class _Watch:
    """A fold of few rows under way, and what was seen of it."""

    database: Database
    makers: Sequence[Maker]
    names: Sequence[str]
    trace: Trace
    position: int = 0
    values: Mapping[Maker, dict[str, Any]] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)
    earlier: dict[str, Placed] = field(default_factory=dict)

    def apply(self, batch: Placed, beginning: int | None) -> None:
        apply_pass(self.database, [batch], frozenset(self.indexed), self.earlier, beginning)

    def keep(self, batch: Placed) -> None:
        """The batch is in for good."""
        self.earlier[batch.manifest.batch_id] = batch
        self.indexed |= {column.property for column in batch.manifest.config.goal.identifier_columns}

    def look(self, batch: Placed, place: RowPlace) -> None:
        """Notes what the latest row changed."""
        self.trace.rows += 1
        now = {
            (name, value, number): dict(zip(self.names, held, strict=True))
            for name, value, number, *held in self.database.rows(looking.values_now(self.makers, self.names))
        }
        for maker in self.values.keys() - now.keys():
            name, value, number = self.database.row(looking.became(maker))
            self.trace.merged[maker] = (place, (name, value, number))
        for maker, held in sorted(now.items()):
            merged = tuple(
                other
                for other in self.makers
                if other in self.values and other not in now and self.trace.merged[other][1] == maker
            )
            self._note(batch, place, maker, held, merged)
        self.values = now

    def _note(
        self, batch: Placed, place: RowPlace, maker: Maker, held: Mapping[str, Any], merged: tuple[Maker, ...]
    ) -> None:
        before = self.values.get(maker, {})
        for name in self.names:
            if before.get(name) == held[name]:
                continue
            source = next((other for other in merged if self.values[other][name] == held[name]), None)
            by, grows = _mappings(batch, name)
            known = tuple(other for other in merged if self.values[other][name] is not None)
            change = Change(place, maker, name, before.get(name), held[name], by, grows, known, source)
            self.trace.changes.append(change)


def _mappings(batch: Placed, name: str) -> tuple[tuple[str, ...], bool]:
    """The columns of a file that write a property, and whether some add to what was there."""
    config = batch.manifest.config
    mapped = [config.goal.mappings[number] for number in sorted(batch.manifest.present)]
    mapped = [mapping for mapping in mapped if mapping.property == name]
    finding = [item.column for item in config.goal.identifier_columns if item.property == name]
    told = [f"{mapping.column} ({mapping.rule})" for mapping in mapped]
    told += [f"{column} (identifier)" for column in finding if column not in {item.column for item in mapped}]
    adds = bool(finding) and not mapped and config.find_property(name).multiple
    return tuple(told), adds or any(mapping.rule in GROWING for mapping in mapped)


class _Undone(Exception):  # noqa: N818 - nothing went wrong
    """Takes back a file of which not all rows were in."""


def _fold(watch: _Watch, item: Collected, staging: Path) -> None:
    """Folds the rows of one batch one by one.

    A full file is told from what it said before as a whole: of it longer and longer beginnings are folded, and only
    the last, which is all of it, stays.
    """
    rows = list(item.lines)
    delta = item.batch.manifest.config.goal.files.delta
    for number, row in enumerate(rows, start=1):
        watch.position += delta or number == 1
        folder = staging / f"{watch.position}-{number}"
        batch = write_few(watch.database, item, [row] if delta else rows, watch.position, folder)
        with suppress(_Undone), watch.database.transaction():
            watch.apply(batch, None if delta else number)
            watch.look(batch, _place(item, row))
            if not delta and number < len(rows):
                raise _Undone
        if delta or number == len(rows):
            watch.keep(batch)


def _place(item: Collected, row: int) -> RowPlace:
    manifest = item.batch.manifest
    config = manifest.config
    return RowPlace(
        config.connection,
        config.goal.name,
        manifest.name,
        item.lines[row],
        row,
        manifest.batch_id,
        manifest.look_at,
    )
