"""Segments as assets: their members, how many there are, and how that went over the last runs.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import dagster as dg

from cdp_assets.assets.members import materializations, segment_metadata
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.specs import segment_spec
from cdp_assets.assets.warehouse import AFTER_UPSTREAM
from cdp_assets.config.model import Deployment
from cdp_assets.config.segments import Segment
from cdp_assets.flows import run_connection


def segment_asset(deployment: Deployment, segment: Segment) -> dg.AssetsDefinition:
    """Computes a segment's members, after what it needs where that is out of date."""
    spec = segment_spec(deployment, segment).replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"segment__{segment.name}")
    def _segment(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            found = run_connection.select(deployment.model, data_folders(), now(), (segment.name,), anew=False)
            run_connection.publish_copy(deployment.model, data_folders())
        own = found.segments.pop(segment.name)
        for noted in materializations(deployment.model, found):
            context.log_event(noted)
        return dg.MaterializeResult(asset_key=spec.key, metadata=segment_metadata(own))

    return _segment
