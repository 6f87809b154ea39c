"""The partitions of import goals as Dagster knows them: by wildcard value, or by time."""

from __future__ import annotations

from datetime import datetime

import dagster as dg

from cdp_assets.assets.runtime import now
from cdp_assets.config.connections import Connection
from cdp_assets.config.files import Files
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import Deployment
from cdp_assets.files.selection import natural_key
from cdp_assets.files.windows import first_begin, is_in_calendar, known_partition
from cdp_assets.flows.take_look import Look

MONDAY = 1
"""As cron counts."""


def partitions_of(connection: Connection, goal: ImportGoal) -> dg.PartitionsDefinition[str] | None:
    """The partitions of a goal; None for a goal whose root is one exact name."""
    if goal.files.pattern_type == "exact":
        return None
    if goal.files.partitions is not None:
        return _time_windows(goal.files)
    return dg.DynamicPartitionsDefinition(name=_dynamic_name(connection, goal))


def _time_windows(files: Files) -> dg.TimeWindowPartitionsDefinition:
    """From the first window to the present one, as files for it come before it is over."""
    assert files.partitions is not None
    start, zone = first_begin(files), files.timezone
    match files.partitions.by:
        case "hour":
            return dg.HourlyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)
        case "day":
            return dg.DailyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)
        case "week":
            return dg.WeeklyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1, day_offset=MONDAY)
        case "month":
            return dg.MonthlyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)


def _dynamic_name(connection: Connection, goal: ImportGoal) -> str:
    return f"{connection.name}__{goal.name}"


def add_partitions(instance: dg.DagsterInstance, connection: Connection, look: Look) -> None:
    """Makes the partitions of everything a look found; those that exist stay. Time windows exist by themselves."""
    for goal in connection.imports:
        if goal.files.pattern_type != "exact" and goal.files.partitions is None:
            name = _dynamic_name(connection, goal)
            keys = {item.partition for item in look.candidates if item.goal == goal.name}
            missing = keys - set(instance.get_dynamic_partitions(name))
            if missing:
                instance.add_dynamic_partitions(name, sorted(missing, key=natural_key))


def has_partition(connection: Connection, goal: str, partition: str, at: datetime | None = None) -> bool:
    """Whether Dagster knows a partition: of time windows only those from the first to the present one."""
    files = next((item.files for item in connection.imports if item.name == goal), None)
    if files is None or files.partitions is None:
        return bool(partition)
    return bool(partition) and is_in_calendar(files, partition, at or now())


def partition_in(deployment: Deployment, connection: str, goal: str, wildcard_value: str) -> str | None:
    """The partition on which Dagster shows a batch; None = on the asset itself."""
    found = deployment.find_connection(connection)
    files = next((item.files for item in found.imports if item.name == goal), None) if found else None
    if found is None or files is None:
        return wildcard_value or None
    partition = known_partition(files, wildcard_value) or ""
    return partition if has_partition(found, goal, partition) else None
