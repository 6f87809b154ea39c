"""Time windows without a file, as people see them: a check on each goal that has windows, kept fresh by a sensor.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import hashlib
import json

import dagster as dg

from cdp_assets.assets.checks import silence_dagsters_own_beta
from cdp_assets.assets.metadata import Metadata, look_metadata, table
from cdp_assets.assets.runtime import data_folders, now, sensor_interval_s, sensor_status
from cdp_assets.assets.specs import goal_key
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.counted import counted
from cdp_assets.flows.manifests import SHORT, Attempt, failed_seen_ids, last_attempt
from cdp_assets.flows.missing_partitions import Missing, missing_partitions
from cdp_assets.flows.take_look import Candidate, Look

MISSING_CHECK = "no_missing_partitions"


def windowed_goals(connection: Connection) -> list[ImportGoal]:
    """The active import goals that have time windows."""
    return [goal for goal in connection.imports if goal.active and goal.files.partitions is not None]


def missing_check(connection: Connection, goal: ImportGoal) -> dg.AssetChecksDefinition:
    """Warns of windows that are over and have no landed file; nothing waits for it."""
    silence_dagsters_own_beta()
    assert goal.files.partitions is not None

    @dg.asset_check(
        asset=goal_key(connection, goal),
        name=MISSING_CHECK,
        description=f"Every {goal.files.partitions.by} from {goal.files.partitions.start} that is over has a file.",
    )
    def _no_missing_partitions() -> dg.AssetCheckResult:
        missing = missing_partitions(connection.name, goal, data_folders(), now())
        return dg.AssetCheckResult(
            passed=not missing.gaps,
            severity=dg.AssetCheckSeverity.WARN,
            description=told(missing),
            metadata=missing_metadata(missing),
        )

    return _no_missing_partitions


def missing_sensor(connection: Connection) -> dg.SensorDefinition:
    """Renews the checks of a connection's goals when files landed or time went by; starts no run, asks no server.

    The cursor holds a digest of what was told last, by goal.
    """

    @dg.sensor(
        name=f"{connection.name}__missing_partitions",
        minimum_interval_seconds=sensor_interval_s(60),
        default_status=sensor_status(),
        description=f"Keeps {MISSING_CHECK} of the goals of {connection.name} up to date.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before: dict[str, str] = json.loads(context.cursor or "{}")
        after: dict[str, str] = {}
        events = []
        for goal in windowed_goals(connection):
            missing = missing_partitions(connection.name, goal, data_folders(), now())
            landed = context.instance.fetch_materializations(goal_key(connection, goal), limit=1).records
            # An evaluation older than the latest materialisation counts as none on the page of Dagster.
            facts = repr((missing, [record.storage_id for record in landed]))
            after[goal.name] = hashlib.sha256(facts.encode()).hexdigest()[:20]
            if before.get(goal.name) != after[goal.name]:
                events.append(
                    dg.AssetCheckEvaluation(
                        asset_key=goal_key(connection, goal),
                        check_name=MISSING_CHECK,
                        passed=not missing.gaps,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=told(missing),
                        metadata=missing_metadata(missing),
                    )
                )
        reason = f"{counted(len(events), 'check')} renewed" if events else "nothing has changed"
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(after), asset_events=events)

    return _sensor


def told(missing: Missing) -> str:
    """One line for people."""
    if not missing.gaps:
        return f"All {missing.expected} partitions that are over have a file."
    return f"{missing.windows} of {missing.expected} partitions that are over have no file."


def missing_metadata(missing: Missing) -> Metadata:
    """The gaps, one line each."""
    metadata: Metadata = {"partitions expected": missing.expected, "partitions missing": missing.windows}
    if missing.gaps:
        rows = [[gap.first, gap.last, gap.windows, gap.why] for gap in missing.gaps]
        metadata["missing partitions"] = table(["from", "to", "partitions", "why"], rows)
    return metadata


def _refused(connection: Connection, item: Candidate) -> Attempt | None:
    return last_attempt(data_folders(), connection.name, item.goal, item.tried_id or item.seen_id)


def files_metadata(connection: Connection, look: Look) -> Metadata:
    """What a look shows, and which windows of the connection's goals have no landed file."""
    failed = {goal.name: failed_seen_ids(data_folders(), connection.name, goal.name) for goal in connection.imports}
    new = (item for item in look.candidates if not item.landed)
    tried = {
        item.seen_id: _refused(connection, item)
        for item in new
        if (item.tried_id or item.seen_id)[:SHORT] in failed[item.goal]
    }
    metadata = look_metadata(look, {seen_id: attempt.error for seen_id, attempt in tried.items() if attempt})
    rows = [
        [goal.name, gap.first, gap.last, gap.windows, gap.why]
        for goal in windowed_goals(connection)
        for gap in missing_partitions(connection.name, goal, data_folders(), now()).gaps
    ]
    if rows:
        metadata["missing partitions"] = table(["goal", "from", "to", "partitions", "why"], rows)
    return metadata
