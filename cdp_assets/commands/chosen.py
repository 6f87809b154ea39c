"""The connection and goals a command was told."""

from __future__ import annotations

from cdp_assets.components.loading import told_defs_folder
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import Deployment
from cdp_assets.errors import ConfigError


def chosen_connection(deployment: Deployment, name: str) -> Connection:
    """The connection of that name.

    Raises:
        ConfigError: there is none; the message lists those there are, and where they stand.
    """
    found = deployment.find_connection(name)
    if found is None:
        known = ", ".join(item.name for item in deployment.connections) or "none"
        raise ConfigError(f"no connection {name}; there are: {known} ({told_defs_folder()})")
    return found


def chosen_imports(
    deployment: Deployment, connection: str, goal: str | None = None
) -> tuple[Connection, tuple[ImportGoal, ...]]:
    """A connection, and one of its import goals or all of them.

    Raises:
        ConfigError: there is none of that name; the message lists those there are.
    """
    found = chosen_connection(deployment, connection)
    goals = tuple(item for item in found.imports if goal in {None, item.name})
    if goal is not None and not goals:
        known = ", ".join(item.name for item in found.imports) or "none"
        raise ConfigError(f"{connection} has no import goal {goal}; there are: {known}")
    return found, goals
