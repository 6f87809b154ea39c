"""Sensors and schedules: files that arrive are landed, batches that wait are folded, the clock is obeyed.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from filelock import FileLock, Timeout

from cdp_assets.assets.command_runs import ACTIVE, end_dead_runs
from cdp_assets.assets.job_names import run_now_name
from cdp_assets.assets.jobs import CONNECTION_TAG, FOLDS_TAG
from cdp_assets.assets.missing import files_metadata
from cdp_assets.assets.partitions import add_partitions
from cdp_assets.assets.runtime import data_folders, now, schedule_status, sensor_interval_s, sensor_status
from cdp_assets.assets.specs import files_key
from cdp_assets.config.connections import Connection
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError, LogInRefusedError, RemoteError
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import is_untold, waiting
from cdp_assets.flows.manifests import SHORT, failed_seen_ids
from cdp_assets.flows.publish import renew_overdue
from cdp_assets.flows.take_look import take_look

FOLD_JOB = "fold_profiles"
MAX_ATTEMPTS = 3
LONGEST_WAIT_S = 600
"""Batches older than this are folded although others are still landing."""
LONGEST_BACKFILL_S = 3_600
"""The same while a backfill is landing, which comes to an end by itself."""
MAX_RUNS_SEEN = 200
"""Of those under way or queued, the newest."""
BACKFILL_TAG = "dagster/backfill"
REQUEST_AGAIN_S = 600
"""A landing that was requested and did not happen is requested again after this."""
REFUSED_WAIT_S = 600
"""A refused log-in is not tried again before: servers lock accounts, and addresses, that fail often."""


def arrivals_sensor(connection: Connection, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Looks at the server and requests a landing of what is new and has stood still for two looks.

    The cursor holds what is new on the server, no more: `seen`, the ids of the last look; `asked`, for each id
    that was requested how often and when; `last`, when something was requested last; `refused`, when the server
    refused the log-in, until it takes one.
    """

    @dg.sensor(
        name=f"{connection.name}__arrivals",
        job=job,
        minimum_interval_seconds=sensor_interval_s(30),
        default_status=sensor_status(),
        description=f"Lands new files of {connection.name} once they stopped changing.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        folders = data_folders()
        paused = _paused(context.cursor, time.time())
        if paused:
            return dg.SkipReason(f"{connection.name}: {paused}")
        try:
            with open_server(connection.server) as server:
                look = take_look(connection, server, folders, now(), going_on=True)
        except LogInRefusedError as error:
            return dg.SensorResult(
                skip_reason=f"{connection.name}: {error}", cursor=_noting_refusal(context.cursor, time.time())
            )
        except (RemoteError, ConfigError) as error:
            return dg.SkipReason(f"{connection.name}: {error}")
        add_partitions(context.instance, connection, look)
        failed = {goal.name: failed_seen_ids(folders, connection.name, goal.name) for goal in connection.imports}
        fresh = {item.tried_id[:SHORT] for item in look.new() if item.tried_id[:SHORT] not in failed[item.goal]}
        cursor = _Pending(context.cursor, fresh)
        wanted = cursor.take(time.time())
        if not wanted:
            reasons = "; ".join(dict.fromkeys([*look.unlisted.values(), cursor.reason()]))
            return dg.SensorResult(skip_reason=reasons, cursor=cursor.text())
        return dg.SensorResult(
            run_requests=[_landing_request(connection, wanted, job.name, context.cursor)],
            cursor=cursor.text(),
            asset_events=[dg.AssetObservation(files_key(connection), metadata=files_metadata(connection, look))],
        )

    return _sensor


class _Pending:
    """What a sensor remembers from tick to tick of the files that are new."""

    def __init__(self, cursor: str | None, fresh: Iterable[str]) -> None:
        before: dict[str, Any] = json.loads(cursor or "{}")
        self._fresh = sorted(fresh)
        self._last = before.get("last", 0.0)
        self._still = set(before.get("seen", [])) & set(self._fresh)
        self._asked: dict[str, list[float]] = {
            name: asked for name, asked in before.get("asked", {}).items() if name in self._still
        }

    def take(self, at: float) -> list[str]:
        """The files to request now; each is asked for again only after a while, and a few times only."""
        wanted = [
            name
            for name in sorted(self._still)
            if name not in self._asked
            or (self._asked[name][0] < MAX_ATTEMPTS and at - self._asked[name][1] >= REQUEST_AGAIN_S)
        ]
        for name in wanted:
            attempts = self._asked[name][0] if name in self._asked else 0
            self._asked[name] = [attempts + 1, at]
            self._last = at
        return wanted

    def reason(self) -> str:
        """Why nothing is requested."""
        given_up = sum(attempts >= MAX_ATTEMPTS for attempts, _ in self._asked.values())
        told = [
            (len(self._fresh) - len(self._still), "waiting for them to stand still"),
            (len(self._asked) - given_up, "requested already"),
            (given_up, f"requested {MAX_ATTEMPTS} times in vain; see the runs"),
        ]
        return "; ".join(f"{counted(count, 'new file')}: {words}" for count, words in told if count) or "no new files"

    def text(self) -> str:
        """The cursor for the next tick."""
        return json.dumps({"seen": self._fresh, "asked": self._asked, "last": self._last})


def _noting_refusal(cursor: str | None, at: float) -> str:
    """The cursor with the time of a refused log-in; the next look that works leaves it out."""
    return json.dumps(json.loads(cursor or "{}") | {"refused": at})


def _paused(cursor: str | None, at: float) -> str:
    """Why nothing is tried now; empty = it is."""
    again = json.loads(cursor or "{}").get("refused", -math.inf) + REFUSED_WAIT_S
    if at >= again:
        return ""
    moment = f"{datetime.fromtimestamp(again, UTC):%H:%M} UTC"
    return (
        f"the log-in was refused; it is not tried again before {moment}, so that the account is not locked. "
        "To try at once, use the check of the connection's files, or test-connection"
    )


def _landing_request(connection: Connection, wanted: Sequence[str], job: str, cursor: str | None) -> dg.RunRequest:
    """Each id holds name, size and modification time; the old cursor tells two deliveries of the same apart.

    A run key is never used twice by Dagster, whatever became of its run.
    """
    return dg.RunRequest(
        run_key=f"{job}:{_digest([*wanted, cursor or ''])}",
        run_config={"ops": {"land": {"config": {"only": list(wanted)}}}},
        tags={CONNECTION_TAG: connection.name, "cdp/files": str(len(wanted))},
    )


def fold_sensor(import_keys: Sequence[dg.AssetKey], publish_every_s: int) -> dg.SensorDefinition:
    """Requests the fold when batches wait and nothing is landing, or the oldest waits too long.

    Also when a command has folded, as after a withdrawal: the run then tells what has changed, and what is made of
    the profiles follows.

    First it ends the runs of commands that died, which would otherwise count as under way.

    With nothing to fold it renews the readers' copy, if that lacks something and is older than `publish_every_s`.

    `import_keys`: the assets whose runs land files; of a backfill they are all queued before the first one ends.
    """

    @dg.sensor(
        name="fold_waiting_batches",
        job_name=FOLD_JOB,
        minimum_interval_seconds=sensor_interval_s(15),
        default_status=sensor_status(),
        description="Folds landed batches into the profiles, and keeps the copy for readers up to date.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        end_dead_runs(context.instance)
        folders = data_folders()
        batches = waiting(folders)
        if not batches and not is_untold(folders):
            renewed = renew_overdue(folders, publish_every_s)
            return dg.SkipReason(f"no batch is waiting{'; the copy for readers was renewed' if renewed else ''}")
        what = counted(len(batches), "batch", "batches") if batches else "what a command changed"
        oldest = time.time() - min((landed for _, landed in batches), default=time.time())
        reason = _why_wait(context.instance, folders, frozenset(import_keys), oldest)
        if reason:
            return dg.SkipReason(f"{what}: the fold waits, as {reason}")
        names = _digest(sorted(name for name, _ in batches) or [folders.folded.read_text()])
        last = json.loads(context.cursor or "{}")
        attempt = last.get("attempt", 0) + 1 if last.get("set") == names else 1
        if attempt > MAX_ATTEMPTS:
            return dg.SkipReason(f"the fold of {what} failed {MAX_ATTEMPTS} times; see its runs")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"fold:{_digest([names, context.cursor or ''])}:{attempt}")],
            cursor=json.dumps({"set": names, "attempt": attempt, "at": time.time()}),
        )

    return _sensor


def _why_wait(
    instance: dg.DagsterInstance, folders: DataFolders, import_keys: frozenset[dg.AssetKey], oldest_s: float
) -> str:
    """Why not to fold now; empty = nothing speaks against it. Batches too old wait for a fold under way only."""
    patient = oldest_s < LONGEST_WAIT_S
    if instance.get_runs(dg.RunsFilter(job_name=FOLD_JOB, statuses=ACTIVE), limit=1):
        return "a fold is under way"
    if patient and instance.get_runs(dg.RunsFilter(tags={FOLDS_TAG: "yes"}, statuses=ACTIVE), limit=1):
        return "a run under way will fold them"
    backfill = patient or oldest_s < LONGEST_BACKFILL_S
    if backfill and _landing_runs(instance, import_keys, backfills_only=not patient):
        return "others are landing"
    return "others are landing" if patient and is_landing(folders) else ""


def _landing_runs(instance: dg.DagsterInstance, keys: frozenset[dg.AssetKey], *, backfills_only: bool) -> bool:
    """Whether runs that land files are under way or queued, also those that have not begun to fetch."""
    return any(
        not keys.isdisjoint(run.asset_selection or ()) and (not backfills_only or BACKFILL_TAG in run.tags)
        for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE), limit=MAX_RUNS_SEEN)
    )


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:SHORT]


def is_landing(folders: DataFolders) -> bool:
    """Whether any process is landing now, also one that no run knows of."""
    try:
        under_way = list(folders.staging.iterdir())
    except FileNotFoundError:
        # Nothing was landed yet; a look may have taken the folder away again.
        return False
    for folder in under_way:
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
        cron_schedule=schedule.crons[0] if len(schedule.crons) == 1 else schedule.crons,
        execution_timezone=schedule.timezone,
        default_status=schedule_status(),
        description=f"Runs {run_now_name(connection)} {schedule.told}.",
    )
