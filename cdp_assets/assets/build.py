"""All definitions of a connection, and all of the customer model."""

from __future__ import annotations

import dagster as dg

from cdp_assets.assets.checks import connection_check
from cdp_assets.assets.imports import files_asset, import_asset
from cdp_assets.assets.job_names import landing_name, run_now_name
from cdp_assets.assets.jobs import FOLDS_TAG, run_now_jobs
from cdp_assets.assets.lifecycles import lifecycle_asset
from cdp_assets.assets.limits import limit_checks, limits_sensor
from cdp_assets.assets.missing import missing_check, missing_sensor, windowed_goals
from cdp_assets.assets.notifications import notification_sensors
from cdp_assets.assets.replay_check import replay_check
from cdp_assets.assets.segments import segment_asset
from cdp_assets.assets.sensors import FOLD_JOB, arrivals_sensor, connection_schedule, fold_sensor
from cdp_assets.assets.specs import goal_key, warehouse_specs
from cdp_assets.assets.warehouse import done_asset, export_asset, fold_asset
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment


def connection_definitions(deployment: Deployment, connection: Connection) -> dg.Definitions:
    """The files on the server and their check, one asset for each goal, the acknowledgement, and what starts them."""
    jobs = {job.name: job for job in run_now_jobs(deployment, connection)}
    runs = connection.enabled
    arrives = runs and connection.run_mode == "arrival" and any(goal.active for goal in connection.imports)
    scheduled = runs and connection.run_mode == "schedule"
    return dg.Definitions(
        assets=[
            files_asset(deployment, connection),
            *(import_asset(deployment, connection, goal) for goal in connection.imports),
            done_asset(connection),
            *(export_asset(deployment, connection, goal) for goal in connection.exports),
        ],
        asset_checks=[
            connection_check(connection),
            *(missing_check(connection, goal) for goal in windowed_goals(connection)),
            *limit_checks(deployment, {connection.name}),
        ],
        jobs=list(jobs.values()),
        sensors=[
            *([arrivals_sensor(connection, jobs[landing_name(connection)])] if arrives else []),
            *([missing_sensor(connection)] if runs and windowed_goals(connection) else []),
            *notification_sensors(connection),
        ],
        schedules=[connection_schedule(connection, jobs[run_now_name(connection)])] if scheduled else [],
    )


def model_definitions(deployment: Deployment) -> dg.Definitions:
    """The profiles, the segments and lifecycles computed from them, and the fold's sensor."""
    folded = [spec.key for spec in warehouse_specs(deployment)]
    import_keys = [goal_key(connection, goal) for connection in deployment.connections for goal in connection.imports]
    return dg.Definitions(
        assets=[
            fold_asset(deployment),
            *(segment_asset(deployment, segment) for segment in deployment.model.segments),
            *(lifecycle_asset(deployment, lifecycle) for lifecycle in deployment.model.lifecycles),
        ],
        asset_checks=[replay_check(deployment), *limit_checks(deployment, {"profiles", "segments"})],
        jobs=[
            dg.define_asset_job(
                FOLD_JOB,
                selection=dg.AssetSelection.assets(*folded).without_checks(),
                description="Folds every batch that waits into the profiles, groups and events.",
                tags={FOLDS_TAG: "yes"},
            )
        ],
        sensors=[fold_sensor(import_keys, deployment.model.publish_every_s), limits_sensor(deployment)],
    )
