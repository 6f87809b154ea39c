"""All definitions of a connection, and all of the customer model."""

from __future__ import annotations

import dagster as dg

from cdp_assets.assets.specs import (
    done_spec,
    export_spec,
    files_spec,
    import_spec,
    profiles_spec,
    segment_spec,
)
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment


def connection_definitions(deployment: Deployment, connection: Connection) -> dg.Definitions:  # noqa: ARG001
    """The files on the server, one asset for each goal, and the acknowledgement."""
    return dg.Definitions(
        assets=[
            files_spec(connection),
            *(import_spec(connection, goal) for goal in connection.imports),
            done_spec(connection),
            *(export_spec(connection, goal) for goal in connection.exports),
        ]
    )


def model_definitions(deployment: Deployment) -> dg.Definitions:
    """The profiles and the segments computed from them."""
    return dg.Definitions(
        assets=[profiles_spec(deployment), *(segment_spec(segment) for segment in deployment.model.segments)]
    )
