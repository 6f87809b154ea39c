"""Snapshots: the derived tables after some batch of the order, kept in files, so that a replay can start there.

A snapshot is named by all that makes it what it is: the batches before it in their order, the tables' columns,
the engine and `FORMAT`. One that does not fit, or is damaged, is not used. They cost nothing but time to lose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from cdp_assets.config.model import CustomerModelConfig, SnapshotSettings
from cdp_assets.errors import SnapshotError, WarehouseError
from cdp_assets.faults import step
from cdp_assets.flows.fit_columns import Shape, part_name, parts_of
from cdp_assets.flows.folders import DataFolders, digest
from cdp_assets.flows.plan_passes import Placed, cut_into_passes
from cdp_assets.flows.snapshot_files import (
    OUTCOMES,
    Record,
    discard,
    new_folder,
    put_in_place,
    snapshot_records,
    sums_of,
    sweep,
    verify,
)
from cdp_assets.sql import schema, snapshots, tables
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

FORMAT = 5
"""Raise it when the same batches fold into other tables than before: older snapshots are then out of use."""
PASS_ROWS = 10_000
"""As many rows are folded in the time that a pass takes even if it is empty (measured: 0.07 s)."""
LEAST_PROFILES = 25_000
"""Fewer profiles count as so many: below that, a snapshot takes its time however small it is."""


class Snapshots:
    """The snapshots of a warehouse, as one fold finds, uses, takes and removes them. Needs the writer's lock."""

    def __init__(
        self,
        database: Database,
        folders: DataFolders,
        settings: SnapshotSettings,
        placed: Sequence[Placed],
        shape: Shape,
    ) -> None:
        self._database, self._folder, self._settings = database, folders.snapshots, settings
        own = (*tables.DERIVED, *tables.FOUND)
        self._placed, self._shape, self._tables = placed, shape, (*shape.tables, *own)
        self._columns = shape.parts
        self._taking = settings.keep > 0
        self.problems: list[str] = []
        (engine,) = database.row(snapshots.ENGINE)
        shapes = [("profiles", tables.PROFILE_COLUMNS), ("groups", tables.GROUP_COLUMNS)]
        shapes += [(table.path, table.columns) for table in own]
        derived = [f"{path} {column.name} {column.type}" for path, columns in shapes for column in columns]
        self._basis = digest(FORMAT, str(engine), *derived)
        sweep(self._folder)
        self._usable = self._find_usable() if settings.keep else {}

    @cached_property
    def _work(self) -> list[int]:
        """Needed only where something is folded: it goes through the whole order."""
        return _work_until(self._placed)

    @property
    def latest(self) -> int:
        """How many batches the furthest usable snapshot holds; 0 = there is none."""
        return max(self._usable, default=0)

    def load(self, position: int, now: datetime) -> None:
        """Fills the derived tables, empty so far, and enters the batches before as folded, at the latest `now`.

        Raises:
            SnapshotError: nobody need act: it is damaged, and gone now; the transaction must be begun anew.
        """
        folder, record = self._usable[position]
        try:
            verify(folder, record)
            lacking = self._columns.keys() - record.columns.keys()
            for table in self._tables:
                if table.name not in lacking:
                    names = [column.name for column in table.columns if part_name(table, column.name) not in lacking]
                    self._database.run(snapshots.load_table(table, names, _file(folder, table)))
            for statement in snapshots.load_outcomes(str(folder / OUTCOMES), now):
                self._database.run(statement)
            if not (record.own_ids and self._ids_are_own()):
                for statement in snapshots.give_ids(self._shape.event_tables):
                    self._database.run(statement)
        except (WarehouseError, OSError) as error:
            self._remove(position)
            message = f"snapshot {folder.name} cannot be used: {error}"
            self.problems.append(message)
            raise SnapshotError(message) from error
        step("snapshot: loaded")

    def take_if_due(self, position: int) -> None:
        """Keeps the tables as they are after `position` batches, if enough was folded since the last snapshot.

        Raises:
            SnapshotError: nobody need act: it cannot be written, and none is tried again during this fold; a
                transaction that was under way must be begun anew.
        """
        since = self._work[position] - self._work[max((at for at in self._usable if at <= position), default=0)]
        if not self._taking or since < self._settings.after * LEAST_PROFILES:
            return
        (profiles,) = self._database.row(Sql("SELECT count(*) FROM main.profiles"))
        if since < self._settings.after * profiles:
            return
        try:
            self._take(position)
        except (WarehouseError, OSError) as error:
            self._taking = False
            message = f"a snapshot cannot be written: {error}"
            self.problems.append(message)
            raise SnapshotError(message) from error
        self._thin_out()

    def _take(self, position: int) -> None:
        with new_folder(self._folder) as temporary:
            for table in self._tables:
                self._database.run(snapshots.copy_table(table, _file(temporary, table)))
            self._database.run(snapshots.copy_outcomes(str(temporary / OUTCOMES)))
            record = Record(
                key=self._key(position),
                position=position,
                columns=self._columns,
                own_ids=self._ids_are_own(),
                size_bytes=sum(path.stat().st_size for path in temporary.iterdir()),
                files=sums_of(temporary),
            )
            target = put_in_place(temporary, record)
        self._usable[position] = (target, record)

    def _thin_out(self) -> None:
        """Removes what cannot be used any more, and the least useful of the rest, until all limits hold."""
        kept = {folder.name for folder, _ in self._usable.values()}
        for folder in self._folder.iterdir():
            if folder.name not in kept:
                discard(folder)
        while self._usable and not self._fits():
            self._remove(least_useful({at: self._work[at] for at in self._usable}, self._work[-1]))

    def _fits(self) -> bool:
        size = sum(record.size_bytes for _, record in self._usable.values())
        return len(self._usable) <= self._settings.keep and size <= self._settings.max_gb * 1e9

    def _remove(self, position: int) -> None:
        folder, _ = self._usable.pop(position)
        discard(folder)

    def _find_usable(self) -> dict[int, tuple[Path, Record]]:
        found = snapshot_records(self._folder)
        return {
            record.position: (folder, record)
            for folder, record in found
            if self._fits_order(record) and self._fits_columns(record)
        }

    def _fits_order(self, record: Record) -> bool:
        return record.position <= len(self._placed) and record.key == self._key(record.position)

    def _fits_columns(self, record: Record) -> bool:
        """Every column of today is in it with the same type, or is of a property that none of its batches knew."""
        lacking = self._columns.keys() - record.columns.keys()
        held = self._placed[: record.position] if lacking else ()
        known = {name for item in held for name in parts_of(item.manifest.config)}
        return not lacking & known and all(
            self._columns.get(name, kind) == kind for name, kind in record.columns.items()
        )

    def _key(self, position: int) -> str:
        return digest(self._basis, *(item.manifest.batch_id for item in self._placed[:position]))

    def _ids_are_own(self) -> bool:
        return bool(self._database.row(snapshots.NO_PUBLISHED_IDS)[0])


def only_used(model: CustomerModelConfig) -> CustomerModelConfig:
    """The model for a fold that is thrown away: it starts from the snapshots there are and takes none."""
    return model.model_copy(update={"snapshots": model.snapshots.model_copy(update={"after": math.inf})})


def _work_until(placed: Sequence[Placed]) -> list[int]:
    """About how much there is to fold before each position, in rows; the last is the work for all."""
    work = [item.manifest.rows_received for item in placed]
    for group in cut_into_passes(placed):
        work[group[0].position - 1] += PASS_ROWS
    return [0, *accumulate(work)]


def least_useful(work: dict[int, int], end: int) -> int:
    """The snapshot whose loss prolongs replays least, measured by how far back it lies: position → work before it.

    What stays is the denser the younger. The newest is chosen only where there is no other.
    """
    places = sorted(work)
    gaps = {
        place: (work[after] - before) / (end - work[place] + 1)
        for place, after, before in zip(places, places[1:], [0, *(work[at] for at in places)], strict=False)
    }
    return min(gaps, key=lambda place: (gaps[place], place)) if gaps else places[0]


def _file(folder: Path, table: schema.Table) -> str:
    return str(folder / f"{table.name}.parquet")
