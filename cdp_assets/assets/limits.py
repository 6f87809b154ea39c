"""The checks that the YAML sets limits for, on their assets, and the sensor that keeps them fresh.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import dagster as dg

from cdp_assets.assets.checks import silence_dagsters_own_beta
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now, sensor_interval_s, sensor_status
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.errors import CdpError
from cdp_assets.flows.check_limits import Check, asking, checks_of
from cdp_assets.flows.verdicts import Facts, Verdict
from cdp_assets.warehouse import read_copy

SENSOR = "checks"


def limit_checks(deployment: Deployment, roots: Collection[str]) -> list[dg.AssetChecksDefinition]:
    """The checks of all assets whose keys begin with one of `roots`."""
    silence_dagsters_own_beta()
    return [_asset_check(check) for check in checks_of(deployment) if check.asset[0] in roots]


def _asset_check(check: Check) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=dg.AssetKey(check.asset), name=check.name, description=check.promise, blocking=check.blocks)
    def _check() -> dg.AssetCheckResult:
        with as_dagster_failure(), asking(data_folders(), now(), stored=check.stored, ask_server=True) as facts:
            verdict = check.judge(facts)
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=_severity(check),
            description=verdict.told,
            metadata=dict(verdict.figures),
        )

    return _check


def _severity(check: Check) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if check.level == "error" else dg.AssetCheckSeverity.WARN


def limits_sensor(deployment: Deployment) -> dg.SensorDefinition:
    """Renews the checks when what they tell has changed, or time went by; starts no run and asks no server.

    It reads the landing folder and the readers' copy of the warehouse. The cursor holds a digest of what was told
    last, by check.
    """
    checks = [check for check in checks_of(deployment) if check.name != "complete"]
    heavy: dict[tuple[str, float], Verdict] = {}

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=sensor_interval_s(60),
        default_status=sensor_status(),
        description="Keeps the checks that have limits in the YAML up to date.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before: dict[str, str] = json.loads(context.cursor or "{}")
        after: dict[str, str] = {}
        events = []
        try:
            with _published() as facts:
                told = [(check, _judged(check, facts, heavy)) for check in checks]
        except (CdpError, OSError) as error:
            return dg.SensorResult(skip_reason=f"nothing could be checked: {error}", cursor=context.cursor)
        for check, verdict in told:
            made = context.instance.fetch_materializations(dg.AssetKey(check.asset), limit=1).records
            # An evaluation older than the latest materialisation counts as none on the page of Dagster.
            facts_told = repr((verdict.passed, _lasting(verdict), [record.storage_id for record in made]))
            after[check.label] = hashlib.sha256(facts_told.encode()).hexdigest()[:20]
            if before.get(check.label) != after[check.label]:
                events.append(_evaluation(check, verdict))
        reason = f"{counted(len(events), 'check')} renewed" if events else "nothing has changed"
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(after), asset_events=events)

    return _sensor


def _lasting(verdict: Verdict) -> list[tuple[str, object]]:
    """The figures but for ages, which change with every look at the clock."""
    return [(name, value) for name, value in verdict.figures.items() if not name.startswith("age")]


def _evaluation(check: Check, verdict: Verdict) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(check.asset),
        check_name=check.name,
        passed=verdict.passed,
        severity=_severity(check),
        description=verdict.told,
        metadata=dict(verdict.figures),
        blocking=check.blocks,
    )


def delivery_evaluations(deployment: Deployment, connection: Connection, goal: str) -> list[dg.AssetCheckEvaluation]:
    """The checks of an export goal, made now; the server is asked."""
    checks = [check for check in checks_of(deployment) if check.asset == (connection.name, goal)]
    if not checks:
        return []
    with asking(data_folders(), now(), ask_server=True) as facts:
        return [_evaluation(check, check.judge(facts)) for check in checks]


def landing_evaluations(
    deployment: Deployment, connection: Connection, goals: Collection[str]
) -> list[dg.AssetCheckEvaluation]:
    """The checks of import goals that look at files alone, made now; one that asks the warehouse waits for its turn."""
    wanted = {(connection.name, goal) for goal in goals}
    facts = Facts(data_folders(), now())
    checks = [check for check in checks_of(deployment) if check.asset in wanted and not check.stored]
    return [_evaluation(check, check.judge(facts)) for check in checks]


@contextmanager
def _published() -> Iterator[Facts]:
    folders = data_folders()
    if folders.published.exists():
        with read_copy(folders.published) as database:
            yield Facts(folders, now(), database)
    else:
        yield Facts(folders, now())


def _judged(check: Check, facts: Facts, known: dict[tuple[str, float], Verdict]) -> Verdict:
    """What a check finds; one that takes long is asked again only of another copy of the warehouse."""
    published = facts.folders.published
    if not check.heavy or not published.exists():
        return check.judge(facts)
    key = check.label, published.stat().st_mtime
    if key not in known:
        found = check.judge(facts)
        known.clear()
        known[key] = found
    return known[key]
