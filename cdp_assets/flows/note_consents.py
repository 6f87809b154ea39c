"""Notes what the rows of a pass change of permission level, zone and objectives."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.consent import TARGETS
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.sql import consent_changes
from cdp_assets.sql.consent_changes import Source
from cdp_assets.sql.records import records_of
from cdp_assets.sql.targeting import Touched, targeted
from cdp_assets.sql.text import Sql
from cdp_assets.sql.writes import Write
from cdp_assets.warehouse import Database


def note_consents(
    database: Database, batches: Sequence[Placed], config: BatchConfig, writes: Sequence[Write], touched: Touched
) -> None:
    """Enters what changes by rows that are worked out as for any profile, while `profiles` is as before the pass."""
    telling = consent_changes.telling(writes)
    if not telling or config.goal.group_type:
        return
    rows = targeted(config, telling, touched, touched.others(Sql("profile_id IS NOT NULL")))
    steps = consent_changes.steps_of(telling, rows, touched.rows(records_of(config)))
    database.run(consent_changes.enter(steps, _sources(batches)))


def note_merged_consents(
    database: Database, batches: Sequence[Placed], config: BatchConfig, writes: Sequence[Write], touched: Touched
) -> None:
    """Likewise for profiles that merge: rows up to the last merge (`merged_steps`), and then those after it."""
    database.run(consent_changes.MOVE_MERGED)
    database.run(consent_changes.enter(consent_changes.OF_MERGED, _sources(batches)))
    note_consents(database, batches, config, writes, touched.of_survivors())


def _sources(batches: Sequence[Placed]) -> list[Source]:
    return [_source(number, item) for number, item in enumerate(batches)]


def _source(number: int, item: Placed) -> Source:
    manifest = item.manifest
    goal = manifest.config.goal
    mappings = [goal.mappings[place] for place in sorted(manifest.present)]
    columns = tuple(
        tuple(f"{mapping.column} ({mapping.rule})" for mapping in mappings if mapping.property == name)
        for name in TARGETS
    )
    return Source(
        number,
        item.position,
        manifest.look_at,
        manifest.config.connection,
        goal.name,
        manifest.name,
        manifest.header_lines,
        item.parquet,
        columns,
    )
