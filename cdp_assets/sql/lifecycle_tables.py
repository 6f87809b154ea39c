"""Tables of lifecycles: who is where now, how that changed, and how often people were exported. Part of `tables.py`."""

from __future__ import annotations

from cdp_assets.sql.schema import BIGINT, TEXT, TIME, UUID, Table, columns_of
from cdp_assets.sql.text import Sql

LIFECYCLE_MEMBERS = Table(
    "main",
    "lifecycle_members",
    "Who is in which lifecycle now, and in which of its stages.",
    columns_of(
        ("lifecycle", TEXT, "Lifecycle."),
        ("profile_id", UUID, "Profile."),
        ("state", TEXT, "in_stage; not_assigned: in the lifecycle, but in none of its stages; completed."),
        ("stage", TEXT, "Stage; NULL = in none."),
        ("stage_number", BIGINT, "Its place among the stages, from 1; NULL = in none."),
        ("entered_at", TIME, "Run in which the profile was first found in the lifecycle."),
        ("stage_entered_at", TIME, "Run in which it was first found in this stage, or state."),
    ),
)
LIFECYCLE_CHANGES = Table(
    "ops",
    "lifecycle_changes",
    "How each lifecycle changed, run by run.",
    columns_of(
        ("lifecycle", TEXT, "Lifecycle."),
        ("computed_at", TIME, "Run."),
        ("size", BIGINT, "Profiles in it after the run, in a stage or not; not those that have completed it."),
        ("entered", BIGINT, "Of these, profiles that were not in it before."),
        (
            "left",
            BIGINT,
            "Profiles that were in it before and are no longer: completed, without the entrance, or erased.",
        ),
        ("not_assigned", BIGINT, "Profiles in it that are in none of its stages."),
        ("completed", BIGINT, "Profiles that have completed it."),
        ("stages", Sql("MAP(VARCHAR, BIGINT)"), "Profiles in each stage."),
        ("definition", TEXT, "Digest of the conditions as they were written then."),
    ),
)
LIFECYCLE_EVENTS = Table(
    "ops",
    "lifecycle_events",
    "One row for each profile in each delivered file of a counted goal: what thresholds count.",
    columns_of(
        ("lifecycle", TEXT, "Lifecycle."),
        ("stage", TEXT, "Stage the profile was in when the rows were taken."),
        ("profile_id", UUID, "Profile."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Export goal."),
        ("export_id", TEXT, "The delivery."),
        ("time", TIME, "Start of the run that delivered it."),
    ),
)
LIFECYCLE_PLACES = Table(
    "ops",
    "lifecycle_places",
    "Events that a delivery under way will bring: they count already, so that no other export takes their place.",
    columns_of(
        ("lifecycle", TEXT, "Lifecycle."),
        ("stage", TEXT, "Stage."),
        ("profile_id", UUID, "Profile."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Export goal."),
        ("export_id", TEXT, "The delivery."),
        ("reserved_at", TIME, "Start of the run that took the rows."),
    ),
)
