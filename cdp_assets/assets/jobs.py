"""Run now: a whole connection, or one of its goals, in one click.

A run can hold one partitions definition only, so these are jobs of ops that record what they did on the
assets, through the same flows.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

from collections.abc import Sequence

import dagster as dg

from cdp_assets.assets.imports import add_partitions, landed_events
from cdp_assets.assets.metadata import done_metadata, export_metadata, fold_metadata, look_metadata
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.specs import PROFILES_KEY, done_key, files_key, segment_key
from cdp_assets.assets.warehouse import fold_events, segment_metadata
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ExportProfilesGoal
from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.import_files import Outcome

LANDING_TAG = "cdp/landing"


def run_now_jobs(deployment: Deployment, connection: Connection) -> list[dg.JobDefinition]:
    """One job for the connection, one for each of its goals, and the one its sensor requests."""
    if not connection.enabled:
        return []
    jobs = [_whole_connection(deployment, connection), landing_job(deployment, connection)]
    for goal in connection.goals:
        if goal.active and isinstance(goal, ExportProfilesGoal):
            jobs.append(_one_export(deployment, connection, goal.name))
        elif goal.active:
            jobs.append(_one_import(deployment, connection, goal.name))
    return jobs


def run_now_name(connection: Connection, goal: str | None = None) -> str:
    """Name of a run-now job."""
    return f"{connection.name}__{goal}__run_now" if goal else f"{connection.name}__run_now"


def landing_name(connection: Connection) -> str:
    """Name of the job that lands what arrived."""
    return f"{connection.name}__land_arrivals"


def landing_job(deployment: Deployment, connection: Connection) -> dg.JobDefinition:
    """Lands everything new of a connection; the fold follows by its sensor."""
    land = _land_op(deployment, connection, None)

    @dg.job(
        name=landing_name(connection),
        description=f"Lands every new file of {connection.name}; the fold follows by itself.",
        tags={LANDING_TAG: connection.name},
    )
    def _job() -> None:
        land()

    return _job


def _whole_connection(deployment: Deployment, connection: Connection) -> dg.JobDefinition:
    land, fold = _land_op(deployment, connection, None), _fold_op(deployment)
    done, select = _done_op(connection), _select_op(deployment, connection, None)
    deliver = _deliver_op(deployment, connection, None)

    @dg.job(
        name=run_now_name(connection),
        description=f"Runs every active goal of {connection.name} now: look, land, fold, rename, select, deliver.",
        tags={"cdp/connection": connection.name},
    )
    def _job() -> None:
        deliver(select(done(fold(land()))))

    return _job


def _one_import(deployment: Deployment, connection: Connection, goal: str) -> dg.JobDefinition:
    land, fold, done = _land_op(deployment, connection, goal), _fold_op(deployment), _done_op(connection)

    @dg.job(
        name=run_now_name(connection, goal),
        description=f"Imports what is new for {connection.name}/{goal} now.",
        tags={"cdp/connection": connection.name},
    )
    def _job() -> None:
        done(fold(land()))

    return _job


def _one_export(deployment: Deployment, connection: Connection, goal: str) -> dg.JobDefinition:
    select, deliver = _select_op(deployment, connection, goal), _deliver_op(deployment, connection, goal)

    @dg.job(
        name=run_now_name(connection, goal),
        description=f"Delivers {connection.name}/{goal} now.",
        tags={"cdp/connection": connection.name},
    )
    def _job() -> None:
        deliver(select())

    return _job


def _land_op(deployment: Deployment, connection: Connection, goal: str | None) -> dg.OpDefinition:
    @dg.op(name="land", out=dg.Out(dg.Nothing), description="Looks at the server and lands what is new.")
    def _land(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            imported = run_connection.import_new(deployment, connection, data_folders(), now(), goal)
        add_partitions(context.instance, connection, imported.look)
        context.log_event(dg.AssetObservation(files_key(connection), metadata=look_metadata(imported.look)))
        for event in landed_events(connection, imported.outcomes):
            context.log_event(event)
        _tell(context, imported.outcomes)

    return _land


def _tell(context: dg.OpExecutionContext, outcomes: Sequence[Outcome]) -> None:
    """Bad files are told loudly; the run goes on, since the other files and goals are not to wait for them."""
    context.log.info(f"{len(outcomes)} new file(s)")
    for outcome in outcomes:
        if outcome.error:
            context.log.error(f"{outcome.goal}: {outcome.name}: {outcome.error}")


def _fold_op(deployment: Deployment) -> dg.OpDefinition:
    @dg.op(name="fold_now", ins={"start": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def _fold(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            result = run_connection.fold_and_publish(deployment.model, data_folders(), now())
        for event in fold_events(result):
            context.log_event(event)
        if result.folded or result.left_out:
            context.log_event(dg.AssetMaterialization(PROFILES_KEY, metadata=fold_metadata(result)))
        context.log.info(f"{len(result.folded)} batches folded, {result.profiles} profiles")

    return _fold


def _done_op(connection: Connection) -> dg.OpDefinition:
    @dg.op(name="rename_done", ins={"start": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def _done(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            outcomes = run_connection.acknowledge(connection, data_folders(), now())
        if outcomes:
            context.log_event(dg.AssetMaterialization(done_key(connection), metadata=done_metadata(outcomes)))
        for item in outcomes:
            if not item.settled:
                context.log.error(item.note)

    return _done


def _select_op(deployment: Deployment, connection: Connection, goal: str | None) -> dg.OpDefinition:
    ins = {"start": dg.In(dg.Nothing)} if goal is None else {}

    @dg.op(name="select", ins=ins, out=dg.Out(dg.Nothing), description="Computes the segments that are sent.")
    def _select(context: dg.OpExecutionContext) -> None:
        names = run_connection.segments_of(connection, goal)
        with as_dagster_failure():
            found = run_connection.select(deployment.model, data_folders(), now(), names)
        for name, result in found.items():
            context.log_event(dg.AssetMaterialization(segment_key(name), metadata=segment_metadata(result)))

    return _select


def _deliver_op(deployment: Deployment, connection: Connection, goal: str | None) -> dg.OpDefinition:
    @dg.op(name="deliver", ins={"start": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def _deliver(context: dg.OpExecutionContext) -> None:
        failed = []
        with as_dagster_failure():
            for item in run_connection.deliver(deployment, connection, data_folders(), now(), goal):
                if item.error:
                    failed.append(f"{item.goal}: {item.error}")
                    continue
                key = dg.AssetKey([connection.name, item.goal])
                context.log_event(dg.AssetMaterialization(key, metadata=export_metadata(item.exports)))
        if failed:
            raise dg.Failure("\n".join(failed), allow_retries=False)

    return _deliver
