"""Run now: a whole connection, or one of its goals, in one click; and the landing its sensor asks for.

A run can hold one partitions definition only, so these are jobs of ops that record what they did on the
assets, through the same flows. Runs of one connection queue behind each other.
"""

from __future__ import annotations

import dagster as dg

from cdp_assets.assets.job_names import landing_name, run_now_name
from cdp_assets.assets.steps import REFUSED, Steps
from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import Deployment

CONNECTION_TAG = "cdp/connection"
LAND = "lands what is new on the server (reads, types and checks each file)"
FOLD = "folds it into the profiles"
RENAME = "renames the files to .done"
SELECT = "computes segments and lifecycles"
DELIVER = "writes and delivers the exports"
LOOK_BACK = f"{REFUSED} fails the run at its end if a file could not be read"
"""What the steps do, for who looks at a job's boxes."""
FOLDS_TAG = "cdp/folds"
"""On every run that folds at some point, so that the fold's sensor does not ask for another."""


def run_now_jobs(deployment: Deployment, connection: Connection) -> list[dg.JobDefinition]:
    """One job for the connection, one for each of its goals, and the one its sensor requests."""
    if not connection.enabled:
        return []
    jobs = [_whole_connection(deployment, connection), _landing(deployment, connection)]
    for goal in connection.goals:
        if goal.active:
            make = _one_export if isinstance(goal, ExportProfilesGoal) else _one_import
            jobs.append(make(deployment, connection, goal.name))
    return jobs


def _told(what: str, *steps: str) -> str:
    return f"{what}: {'; '.join(steps)}."


def _landing(deployment: Deployment, connection: Connection) -> dg.JobDefinition:
    steps = Steps(deployment, connection, landing_name(connection))
    land, refused_files = steps.land(), steps.refused_files()

    @dg.job(
        name=steps.job,
        description=_told(f"Imports new files of {connection.name}", LAND, LOOK_BACK) + " The fold follows by itself.",
        tags={CONNECTION_TAG: connection.name},
    )
    def _job() -> None:
        refused_files.alias(REFUSED)(refused_files=land.alias("land")())

    return _job


def _whole_connection(deployment: Deployment, connection: Connection) -> dg.JobDefinition:
    steps = Steps(deployment, connection, run_now_name(connection))
    land, fold, done, refused_files = steps.land(), steps.fold(), steps.done(), steps.refused_files()
    select, deliver = steps.select(first=False), steps.deliver()

    @dg.job(
        name=steps.job,
        description=_told(
            f"Runs every active goal of {connection.name} now", LAND, FOLD, RENAME, SELECT, DELIVER, LOOK_BACK
        ),
        tags={CONNECTION_TAG: connection.name, FOLDS_TAG: "yes"},
    )
    def _job() -> None:
        refused = land.alias("land")()
        renamed = done.alias("done")(start=fold.alias("fold")(start=refused))
        delivered = deliver.alias("deliver")(start=select.alias("select")(start=renamed))
        refused_files.alias(REFUSED)(refused_files=refused, start=delivered)

    return _job


def _one_import(deployment: Deployment, connection: Connection, goal: str) -> dg.JobDefinition:
    steps = Steps(deployment, connection, run_now_name(connection, goal), goal)
    land, fold, done, refused_files = steps.land(), steps.fold(), steps.done(), steps.refused_files()

    @dg.job(
        name=steps.job,
        description=_told(f"Imports what is new for {connection.name}/{goal} now", LAND, FOLD, RENAME, LOOK_BACK),
        tags={CONNECTION_TAG: connection.name, FOLDS_TAG: "yes"},
    )
    def _job() -> None:
        refused = land.alias("land")()
        renamed = done.alias("done")(start=fold.alias("fold")(start=refused))
        refused_files.alias(REFUSED)(refused_files=refused, start=renamed)

    return _job


def _one_export(deployment: Deployment, connection: Connection, goal: str) -> dg.JobDefinition:
    steps = Steps(deployment, connection, run_now_name(connection, goal), goal)
    select, deliver = steps.select(first=True), steps.deliver()

    @dg.job(
        name=steps.job,
        description=_told(f"Delivers {connection.name}/{goal} now", SELECT, DELIVER),
        tags={CONNECTION_TAG: connection.name},
    )
    def _job() -> None:
        deliver.alias("deliver")(start=select.alias("select")())

    return _job
