"""The connection and goals a command was told."""

from __future__ import annotations

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import Deployment
from cdp_assets.errors import ConfigError


def chosen_imports(
    deployment: Deployment, connection: str, goal: str | None = None
) -> tuple[Connection, tuple[ImportGoal, ...]]:
    """A connection, and one of its import goals or all of them.

    Raises:
        ConfigError: there is none of that name; the message lists those there are.
    """
    found = deployment.find_connection(connection)
    if found is None:
        known = ", ".join(item.name for item in deployment.connections)
        raise ConfigError(f"no connection {connection}; there are: {known}")
    goals = tuple(item for item in found.imports if goal in {None, item.name})
    if goal is not None and not goals:
        known = ", ".join(item.name for item in found.imports) or "none"
        raise ConfigError(f"{connection} has no import goal {goal}; there are: {known}")
    return found, goals
