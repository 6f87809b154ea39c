"""Who launched a run, as Dagster's page shows it."""

from __future__ import annotations

import getpass


def from_terminal() -> dict[str, str]:
    """Tags for a run that a command starts; without, the page calls it "Manually launched", as it calls a click."""
    return {"user": f"{_login()}, command line"}


def _login() -> str:
    """Who is logged in; in a container that has a number alone, nobody has a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
