"""Lifecycles as assets: how many are in each stage, who entered and left, and how that went over the last runs.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import dagster as dg

from cdp_assets.assets.metadata import Metadata, table
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.segments import RUNS_LISTED, segment_metadata
from cdp_assets.assets.specs import lifecycle_spec, segment_key
from cdp_assets.assets.trends import trend
from cdp_assets.assets.warehouse import AFTER_UPSTREAM
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.compute_lifecycles import LifecycleResult


def lifecycle_metadata(lifecycle: Lifecycle, result: LifecycleResult) -> Metadata:
    """Size and movement of a lifecycle and the size of its stages, now and in the runs before."""
    latest = result.now
    sizes = [[stage.label, latest.stages.get(stage.id, 0)] for stage in lifecycle.stages]
    sizes += [["(not assigned)", latest.not_assigned], ["(completed)", latest.completed]]
    metadata: Metadata = {
        "dagster/row_count": latest.size,
        "entered": latest.entered,
        "left": latest.left,
        "not assigned": latest.not_assigned,
        "completed": latest.completed,
        "share of all profiles (%)": round(100 * latest.size / result.profiles, 1) if result.profiles else 0.0,
        "stages": table(["stage", "profiles"], sizes),
    }
    if len(result.history) > 1:
        metadata["trend"] = dg.MetadataValue.md(trend([(run.at, run.size) for run in result.history]))
    runs = [
        [
            *(f"{run.at:%Y-%m-%d %H:%M}", run.size, run.entered, run.left),
            *(run.stages.get(stage.id, 0) for stage in lifecycle.stages),
            *(run.not_assigned, run.completed),
        ]
        for run in result.history
    ]
    stages = [f"stage {stage.id}" for stage in lifecycle.stages]
    columns = ["run (UTC)", "in it", "entered", "left", *stages, "not assigned", "completed"]
    metadata["runs"] = table(columns, runs[: -RUNS_LISTED - 1 : -1])
    return metadata


def lifecycle_asset(deployment: Deployment, lifecycle: Lifecycle) -> dg.AssetsDefinition:
    """Computes where everybody stands in a lifecycle, after the segments it asks for where these are out of date."""
    spec = lifecycle_spec(deployment, lifecycle).replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"lifecycle__{lifecycle.id}")
    def _lifecycle(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            found, segments = run_connection.place(deployment.model, data_folders(), now(), (lifecycle.id,))
            run_connection.publish_copy(deployment.model, data_folders())
        for name, result in segments.items():
            context.log_event(dg.AssetMaterialization(segment_key(name), metadata=segment_metadata(result)))
        return dg.MaterializeResult(asset_key=spec.key, metadata=lifecycle_metadata(lifecycle, found[lifecycle.id]))

    return _lifecycle
