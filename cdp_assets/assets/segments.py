"""Segments as assets: their members, how many there are, and how that went over the last runs.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import dagster as dg

from cdp_assets.assets.metadata import Metadata, table
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.specs import segment_key, segment_spec
from cdp_assets.assets.trends import trend
from cdp_assets.assets.warehouse import AFTER_UPSTREAM
from cdp_assets.config.model import Deployment
from cdp_assets.config.segments import Segment
from cdp_assets.flows import run_connection
from cdp_assets.flows.compute_segments import SegmentResult

RUNS_LISTED = 12


def segment_metadata(result: SegmentResult) -> Metadata:
    """Size and movement of a segment, now and in the runs before."""
    metadata: Metadata = {
        "dagster/row_count": result.size,
        "joined": result.joined,
        "left": result.left,
        "share of all profiles (%)": round(100 * result.size / result.profiles, 1) if result.profiles else 0.0,
    }
    if len(result.history) > 1:
        metadata["trend"] = dg.MetadataValue.md(trend([(run.at, run.size) for run in result.history]))
    latest = [[f"{run.at:%Y-%m-%d %H:%M}", run.size, run.joined, run.left] for run in result.history]
    metadata["runs"] = table(["run (UTC)", "members", "joined", "left"], latest[: -RUNS_LISTED - 1 : -1])
    return metadata


def segment_asset(deployment: Deployment, segment: Segment) -> dg.AssetsDefinition:
    """Computes a segment's members, after those of the segments it needs where these are out of date."""
    spec = segment_spec(deployment, segment).replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"segment__{segment.name}")
    def _segment(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            found = run_connection.select(deployment.model, data_folders(), now(), (segment.name,), anew=False)
            run_connection.publish_copy(deployment.model, data_folders())
        own = found.pop(segment.name)
        for name, result in found.items():
            context.log_event(dg.AssetMaterialization(segment_key(name), metadata=segment_metadata(result)))
        return dg.MaterializeResult(asset_key=spec.key, metadata=segment_metadata(own))

    return _segment
