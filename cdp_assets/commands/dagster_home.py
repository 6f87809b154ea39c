"""The folder where Dagster remembers runs, cursors and partitions; without it they are gone at exit."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import dagster as dg

from cdp_assets.flows.folders import write_whole

HOME_VARIABLE = "DAGSTER_HOME"
OWN_HOME = ".dagster_home"
_ENDED = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)
WORKSPACE = """\
load_from:
  - python_module: {module_name: cdp_assets.definitions, location_name: cdp_assets}
"""


def prepare_dagster_home() -> Path:
    """Makes sure that there is one, with settings, and that every process we start finds it.

    The one we choose, `.dagster_home` below the working directory, takes over `dagster.yaml` of that directory
    each time. One that the environment names keeps the settings it has.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    home = Path(chosen or OWN_HOME).absolute()
    os.environ[HOME_VARIABLE] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists() or not chosen:
        write_whole(settings, _settings())
    return home


def begin_retries(instance: dg.DagsterInstance) -> None:
    """Marks runs that ended before as seen by what starts died ones again; otherwise it warns that it is new."""
    keys = {f"EVENT_LOG_CONSUMER_CURSOR-{kind.value}" for kind in _ENDED}
    known = instance.daemon_cursor_storage.get_cursor_values(keys)
    latest = str(instance.event_log_storage.get_maximum_record_id() or 0)
    if keys - known.keys():
        instance.daemon_cursor_storage.set_cursor_values(dict.fromkeys(keys - known.keys(), latest))


def workspace_file(home: Path) -> Path:
    """The workspace of the working directory; where it has none, one that loads this package."""
    own = Path("workspace.yaml")
    if own.exists():
        return own.absolute()
    write_whole(home / own.name, WORKSPACE.encode())
    return home / own.name


def _settings() -> bytes:
    own = Path("dagster.yaml")
    return own.read_bytes() if own.exists() else files("cdp_assets.commands").joinpath("dagster.yaml").read_bytes()
