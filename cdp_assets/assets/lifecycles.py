"""Lifecycles as assets: how many are in each stage, who entered and left, and how that went over the last runs.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import dagster as dg

from cdp_assets.assets.members import lifecycle_metadata, materializations
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.specs import lifecycle_spec
from cdp_assets.assets.warehouse import AFTER_UPSTREAM
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection


def lifecycle_asset(deployment: Deployment, lifecycle: Lifecycle) -> dg.AssetsDefinition:
    """Computes where everybody stands in a lifecycle, after what it asks for where that is out of date."""
    spec = lifecycle_spec(deployment, lifecycle).replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"lifecycle__{lifecycle.id}")
    def _lifecycle(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            found = run_connection.select(deployment.model, data_folders(), now(), (), (lifecycle.id,))
            run_connection.publish_copy(deployment.model, data_folders())
        own = found.lifecycles.pop(lifecycle.id)
        for noted in materializations(deployment.model, found):
            context.log_event(noted)
        return dg.MaterializeResult(asset_key=spec.key, metadata=lifecycle_metadata(lifecycle, own))

    return _lifecycle
