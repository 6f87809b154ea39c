"""Computes one segment: who is in it now, who joined, who left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.segments import Segment
from cdp_assets.faults import step
from cdp_assets.flows.ledger import prepare_schemas, require_profiles
from cdp_assets.sql.segments import refresh_members
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class SegmentResult:
    """One computation of a segment."""

    size: int
    joined: int
    left: int
    profiles: int
    """Profiles in the warehouse, for the share."""


def compute_segment(database: Database, model: CustomerModelConfig, segment: Segment, now: datetime) -> SegmentResult:
    """Brings a segment's members up to date in one transaction. Again without changes: nobody joins or leaves."""
    prepare_schemas(database)
    require_profiles(database)
    with database.transaction():
        for statement in refresh_members(segment, model, now):
            database.run(statement)
        size, joined, left = database.row(
            Sql(
                'SELECT size, joined, "left" FROM ops.segment_changes WHERE segment = ?'
                " ORDER BY computed_at DESC LIMIT 1"
            ),
            [segment.name],
        )
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
        step("select: before commit")
    step("select: committed")
    return SegmentResult(int(size), int(joined), int(left), int(profiles))
