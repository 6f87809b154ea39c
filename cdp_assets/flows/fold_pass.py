"""Folds passes one after the other and enters what came of each batch; runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.counted import counted
from cdp_assets.errors import WarehouseError
from cdp_assets.flows.apply_pass import Fates, apply_pass
from cdp_assets.flows.plan_order import Plan
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.progress import Progress
from cdp_assets.sql import ledger
from cdp_assets.warehouse import Database


@dataclass
class Folding:
    """A fold under way: what it goes into, and what was folded before the next pass."""

    database: Database
    plan: Plan
    now: datetime
    """Entered as the time of a first fold; nothing is derived from it."""
    replaying: bool
    _earlier: dict[str, Placed] = field(default_factory=dict)
    _indexed: dict[str, set[str]] = field(default_factory=dict)
    """Per group type, the empty one for profiles, the properties that find its records."""

    def progress(self, batches: Sequence[Placed]) -> Progress:
        """How far the fold of these batches has come, in rows."""
        return Progress("rebuild" if self.replaying else "fold", rows_of(batches), "rows")

    def begun_anew(self) -> Folding:
        """The same fold with nothing folded yet."""
        return Folding(self.database, self.plan, self.now, self.replaying)

    def catch_up(self, batches: Sequence[Placed]) -> None:
        """Takes note of batches that are in already, in order."""
        for item in batches:
            self._earlier[item.manifest.batch_id] = item
            goal = item.manifest.config.goal
            known = self._indexed.setdefault(goal.group_type, set())
            known.update(column.property for column in goal.identifier_columns)

    def tell_warnings(self, batches: Sequence[Placed]) -> None:
        """Enters what is to be told of batches that were not folded now; the rest have nothing to tell."""
        for item in batches:
            if item.manifest.batch_id in self.plan.warnings:
                self.database.run(ledger.NOTE, [self.plan.warnings[item.manifest.batch_id], item.manifest.batch_id])

    def fold(self, group: Sequence[Placed]) -> None:
        """Applies one pass and enters the outcome of each of its batches.

        Raises:
            WarehouseError: we must act: a statement failed, or not every row is accounted for.
        """
        indexed = frozenset(self._indexed.get(group[0].manifest.config.goal.group_type, ()))
        fates = {fate.position: fate for fate in apply_pass(self.database, group, indexed, self._earlier)}
        for item in group:
            self._enter_outcome(item, fates[item.position])
        self.catch_up(group)

    def _enter_outcome(self, item: Placed, fates: Fates) -> None:
        manifest = item.manifest
        batch_id = manifest.batch_id
        rows = [
            fates.created,
            fates.modified,
            fates.unchanged,
            fates.not_found,
            fates.consent_mismatch,
            manifest.rows_erased,
            manifest.rows_rejected + fates.rejected,
        ]
        counts = [*rows, fates.events.created, fates.events.set, fates.events.dropped]
        self.database.run(ledger.SET_POSITION, [item.position, self.plan.warnings.get(batch_id, ""), batch_id])
        if not self.replaying:
            self.database.run(ledger.COUNTS_OF_A_RETURN, [*counts, batch_id])
        self.database.run(ledger.FIRST_COUNTS, [*counts, self.now, batch_id])
        if self.replaying:
            self.database.run(ledger.REPLAY_COUNTS, [*counts, batch_id])
        accounted = sum(rows) + manifest.rows_no_identifier + manifest.rows_filtered
        if accounted != manifest.rows_received:
            message = (
                f"{manifest.name}: {manifest.rows_received} rows came in, {accounted} are accounted for;"
                " nothing of this file was applied"
            )
            raise WarehouseError(message)


def rows_of(batches: Sequence[Placed]) -> int:
    """Rows that came in with some batches."""
    return sum(item.manifest.rows_received for item in batches)


def told_of(group: Sequence[Placed]) -> tuple[str, int]:
    """A pass in words, and its rows."""
    rows = rows_of(group)
    return f"next {counted(rows, 'row')} of {counted(len(group), 'file')} in one pass", rows
