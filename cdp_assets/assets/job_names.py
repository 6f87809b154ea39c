"""Names of the jobs of a connection."""

from __future__ import annotations

from cdp_assets.config.connections import Connection


def run_now_name(connection: Connection, goal: str | None = None) -> str:
    """Name of a run-now job."""
    return f"{connection.name}__{goal}__run_now" if goal else f"{connection.name}__run_now"


def landing_name(connection: Connection) -> str:
    """Name of the job that lands what arrived."""
    return f"{connection.name}__land_arrivals"
