"""Sensors that tell people: one looks at the files of a connection, one hears of runs that fail.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import dagster as dg

from cdp_assets.assets.failures import failure_event
from cdp_assets.assets.jobs import CONNECTION_TAG
from cdp_assets.assets.runtime import data_folders, now, sensor_interval_s, sensor_status
from cdp_assets.config.connections import Connection
from cdp_assets.counted import counted
from cdp_assets.errors import CdpError
from cdp_assets.flows.happened import happened
from cdp_assets.flows.notify import tell


def notification_sensors(connection: Connection) -> list[dg.SensorDefinition]:
    """Both sensors of a connection that has notifications; none for others."""
    if not connection.enabled or not connection.notifications:
        return []
    wanted = {trigger for rule in connection.notifications for trigger in rule.when}
    return [files_told(connection), *([failures_told(connection)] if "failure" in wanted else [])]


def files_told(connection: Connection) -> dg.SensorDefinition:
    """Tells what became of files. Never starts a run."""

    @dg.sensor(
        name=f"{connection.name}__notifications",
        minimum_interval_seconds=sensor_interval_s(60),
        default_status=sensor_status(),
        description=f"Tells people what became of the files of {connection.name}.",
    )
    def _sensor() -> dg.SkipReason:
        try:
            told = tell(connection, happened(connection, data_folders(), now()), data_folders(), now())
        except (CdpError, OSError) as error:
            return dg.SkipReason(f"nobody could be told: {error}")
        return dg.SkipReason(counted(len(told), "message") if told else "nothing new to tell")

    return _sensor


def failures_told(connection: Connection) -> dg.SensorDefinition:
    """Tells of runs that failed and have to do with the connection, or with all."""

    @dg.run_failure_sensor(
        name=f"{connection.name}__failures",
        minimum_interval_seconds=sensor_interval_s(30),
        default_status=sensor_status(),
        description=f"Tells people of failed runs that concern {connection.name}.",
    )
    def _sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        event = failure_event(connection.name, run, context.get_step_failure_events())
        if event is None or not _concerns(connection, run):
            return None
        try:
            tell(connection, [event], data_folders(), now())
        except (CdpError, OSError) as error:
            return dg.SkipReason(f"nobody could be told: {error}")
        return None

    return _sensor


def _concerns(connection: Connection, run: dg.DagsterRun) -> bool:
    """Runs of other connections do not; those of none, such as the fold, concern everybody."""
    tag = run.tags.get(CONNECTION_TAG)
    if tag is not None:
        return tag == connection.name
    selected = run.asset_selection or frozenset()
    roots = {key.path[0] for key in selected if len(key.path) > 1} - {"groups", "events", "segments"}
    return not roots or connection.name in roots
