"""Asset checks: what a person can have tried out from the page of an asset."""

from __future__ import annotations

import warnings

import dagster as dg

from cdp_assets.assets.metadata import table
from cdp_assets.assets.runtime import connection_pool
from cdp_assets.assets.specs import files_key
from cdp_assets.config.connections import Connection
from cdp_assets.flows.check_connection import check_connection

CONNECTION_CHECK = "connection_works"


def connection_check(connection: Connection) -> dg.AssetChecksDefinition:
    """Tries the server out, as `test-connection` does, and shows what it could list, read, write and rename.

    It fails with the words of what did not work and is never tried again by itself. Nothing waits for it, so a
    failure stops nobody.
    """
    silence_dagsters_own_beta()

    @dg.asset_check(
        asset=files_key(connection),
        name=CONNECTION_CHECK,
        description=(
            f"Logs in to {connection.server.host} and tries what the goals need: lists their directories, opens a "
            "file, and writes, renames and removes one small hidden file."
        ),
        pool=connection_pool(connection),
        op_tags={"cdp/connection": connection.name},
    )
    def _connection_works() -> dg.AssetCheckResult:
        trials = check_connection(connection)
        failed = [trial for trial in trials if not trial.ok]
        rows = [[trial.verb, trial.where, trial.works, trial.detail] for trial in trials]
        return dg.AssetCheckResult(
            passed=not failed,
            description="\n".join(str(trial) for trial in failed) or "Everything the goals need works.",
            metadata={"failed": len(failed), "tried": table(["tried", "where", "works", "detail"], rows)},
        )

    return _connection_works


def silence_dagsters_own_beta() -> None:
    """For the whole process, as it comes when Dagster reads what we returned.

    Dagster 1.13.27 copies checks that a component made with an argument that it calls beta; nobody who loads our
    definitions can do about it. `test_components.py` tells whether it still does.
    """
    message = "Parameter .execution_type. of function .AssetsDefinition.__init__. is currently in beta"
    warnings.filterwarnings("ignore", message, dg.BetaWarning)
