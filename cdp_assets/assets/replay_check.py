"""The check that a person runs from the page of `profiles`: would a rebuilt warehouse be the same?

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

from collections.abc import Iterator

import dagster as dg

from cdp_assets.assets.checks import silence_dagsters_own_beta
from cdp_assets.assets.metadata import table
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, now
from cdp_assets.assets.specs import PROFILES_KEY
from cdp_assets.config.model import Deployment
from cdp_assets.flows.compare_replay import compare_replay

REPLAY_CHECK = "equals_replay"


def replay_check(deployment: Deployment) -> dg.AssetChecksDefinition:
    """Compares the warehouse with its replay, as `replay --check` does, and shows both sides of each table.

    It runs only where it is asked for alone. Dagster's page adds the checks of an asset to every run that
    materialises it; there it does nothing, and shows as skipped.
    """
    silence_dagsters_own_beta()
    spec = dg.AssetCheckSpec(
        REPLAY_CHECK,
        asset=PROFILES_KEY,
        description=(
            "Folds every batch anew, in a copy of the warehouse that is thrown away, and compares the two. Takes the "
            "time of a full replay; runs only when executed by itself."
        ),
    )

    @dg.multi_asset_check(specs=[spec], name="profiles__equals_replay", can_subset=True)
    def _equals_replay(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        if context.job_def.asset_layer.selected_asset_keys:
            context.log.info("not asked for by itself: nothing is compared")
            return
        with as_dagster_failure():
            compared = compare_replay(deployment.model, data_folders(), now())
        differing = [item.table for item in compared if not item.equal]
        rows = [[item.table, item.rows, item.replayed_rows, "yes" if item.equal else "no"] for item in compared]
        yield dg.AssetCheckResult(
            check_name=REPLAY_CHECK,
            asset_key=PROFILES_KEY,
            passed=not differing,
            description=(
                f"A replay gives other rows in: {', '.join(differing)}."
                if differing
                else "A replay gives the same warehouse."
            ),
            metadata={"compared": table(["table", "rows", "rows when rebuilt", "the same"], rows)},
        )

    return _equals_replay
