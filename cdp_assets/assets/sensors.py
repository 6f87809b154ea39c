"""Sensors and schedules: files that arrive are landed, batches that wait are folded, the clock is obeyed.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import hashlib
import json
import time

import dagster as dg
from filelock import FileLock, Timeout

from cdp_assets.assets.imports import add_partitions
from cdp_assets.assets.jobs import landing_name, run_now_name
from cdp_assets.assets.metadata import look_metadata
from cdp_assets.assets.runtime import data_folders, now, schedule_status, sensor_status
from cdp_assets.assets.specs import files_key
from cdp_assets.config.connections import Connection
from cdp_assets.errors import ConfigError, RemoteError
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import waiting
from cdp_assets.flows.manifests import failed_seen_ids
from cdp_assets.flows.take_look import Candidate, take_look

FOLD_JOB = "fold_profiles"
MAX_ATTEMPTS = 3
LONGEST_WAIT_S = 600
"""Batches older than this are folded although others are still landing."""
REQUEST_AGAIN_S = 600
"""A landing that was requested and did not happen is requested again after this."""
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def arrivals_sensor(connection: Connection, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Looks at the server and requests a landing of what is new and has stood still for two looks."""

    @dg.sensor(
        name=f"{connection.name}__arrivals",
        job=job,
        minimum_interval_seconds=30,
        default_status=sensor_status(),
        description=f"Lands new files of {connection.name} once they stopped changing.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        folders = data_folders()
        try:
            with open_server(connection.server) as server:
                look = take_look(connection, server, folders, now())
        except (RemoteError, ConfigError) as error:
            return dg.SkipReason(f"{connection.name}: {error}")
        add_partitions(context.instance, connection, look)
        failed = {goal.name: failed_seen_ids(folders, connection.name, goal.name) for goal in connection.imports}
        fresh = [item for item in look.new() if item.seen_id[:20] not in failed[item.goal]]
        cursor = json.loads(context.cursor or "{}")
        before = set(cursor.get("seen", []))
        ready = [item for item in fresh if item.seen_id[:20] in before]
        cursor["seen"] = sorted(item.seen_id[:20] for item in fresh)
        request = _request(connection, ready, cursor)
        observed = [dg.AssetObservation(files_key(connection), metadata=look_metadata(look))] if request else []
        reason = None if request else _skip_reason(fresh, ready)
        return dg.SensorResult(
            run_requests=[request] if request else [],
            skip_reason=reason,
            cursor=json.dumps(cursor),
            asset_events=observed,
        )

    return _sensor


def _skip_reason(fresh: list[Candidate], ready: list[Candidate]) -> str:
    if ready:
        return f"{len(ready)} new file(s), already requested"
    return f"{len(fresh)} new file(s), waiting for them to stand still" if fresh else "no new files"


def _request(connection: Connection, ready: list[Candidate], cursor: dict[str, object]) -> dg.RunRequest | None:
    """One run for everything that is ready; the same set again only after a while, a few times."""
    if not ready:
        cursor.pop("requested", None)
        return None
    names = "\n".join(sorted(item.seen_id for item in ready))
    identity = hashlib.sha256(names.encode()).hexdigest()[:20]
    last = cursor.get("requested")
    attempt = 1
    if isinstance(last, dict) and last.get("set") == identity:
        if time.time() - last["at"] < REQUEST_AGAIN_S or last["attempt"] >= MAX_ATTEMPTS:
            return None
        attempt = last["attempt"] + 1
    cursor["requested"] = {"set": identity, "attempt": attempt, "at": time.time()}
    newest = max(item.file.modified_at for item in ready)
    size = sum(item.file.size_bytes for item in ready)
    run_key = f"{landing_name(connection)}:{identity}:{size}:{newest:%Y%m%d%H%M%S}:{attempt}"
    return dg.RunRequest(run_key=run_key, tags={"cdp/connection": connection.name, "cdp/files": str(len(ready))})


def fold_sensor() -> dg.SensorDefinition:
    """Requests the fold when batches wait and nothing is landing, or the oldest waits too long."""

    @dg.sensor(
        name="fold_waiting_batches",
        job_name=FOLD_JOB,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Folds landed batches into the profiles.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        folders = data_folders()
        batches = waiting(folders)
        if not batches:
            return dg.SkipReason("no batch is waiting")
        if context.instance.get_runs(dg.RunsFilter(job_name=FOLD_JOB, statuses=ACTIVE), limit=1):
            return dg.SkipReason("a fold is under way")
        oldest = time.time() - min(landed for _, landed in batches)
        if oldest < LONGEST_WAIT_S and is_landing(folders):
            return dg.SkipReason(f"{len(batches)} batch(es) wait for the landing under way")
        identity = hashlib.sha256("\n".join(sorted(name for name, _ in batches)).encode()).hexdigest()[:20]
        last = json.loads(context.cursor or "{}")
        attempt = last.get("attempt", 0) + 1 if last.get("set") == identity else 1
        if attempt > MAX_ATTEMPTS:
            return dg.SkipReason(f"the fold of {len(batches)} batch(es) failed {MAX_ATTEMPTS} times; see its runs")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"fold:{identity}:{attempt}")],
            cursor=json.dumps({"set": identity, "attempt": attempt}),
        )

    return _sensor


def is_landing(folders: DataFolders) -> bool:
    """Whether any process is landing now, also one that no run knows of."""
    for folder in folders.staging.iterdir() if folders.staging.exists() else ():
        try:
            FileLock(folder / ".lock", timeout=0).acquire().lock.release()
        except Timeout:
            return True
        except OSError:
            continue
    return False


def connection_schedule(connection: Connection, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Runs all active goals of a connection by the clock."""
    schedule = connection.schedule
    assert schedule is not None
    return dg.ScheduleDefinition(
        name=f"{connection.name}__schedule",
        job=job,
        cron_schedule=schedule.cron,
        execution_timezone=schedule.timezone,
        default_status=schedule_status(),
        description=f"Runs {run_now_name(connection)} by the clock.",
    )
