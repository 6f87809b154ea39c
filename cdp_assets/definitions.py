"""What Dagster loads: the components of the defs folder, and what they share."""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path
from types import ModuleType

import dagster as dg

from cdp_assets.assets.checks import silence_dagsters_own_beta
from cdp_assets.assets.runtime import sensor_interval_s, sensor_status
from cdp_assets.components.loading import DEFS_DIR_VARIABLE, defs_folder
from cdp_assets.components.yaml_files import shown_path
from cdp_assets.errors import ConfigError, Problem

AFTER_FOLD_SENSOR = "after_each_fold"


@dg.definitions
def defs() -> dg.Definitions:
    """Everything in the folder of the environment variable CDP_DEFS_DIR, else in the package's `defs/`."""
    return definitions_in(defs_folder())


def definitions_in(folder: Path) -> dg.Definitions:
    """Everything in a defs folder, wherever it stands.

    Raises:
        ConfigError: the author of the YAML must act. Dagster wraps it, with the component tree in front.
    """
    if not folder.is_dir():
        message = f"this folder does not exist; set {DEFS_DIR_VARIABLE}"
        raise ConfigError([Problem(shown_path(folder), 0, message)])
    tree = dg.ComponentTree.from_module(_as_module(folder), project_root=folder.absolute().parent)
    with warnings.catch_warnings():
        # Dagster's own loader silences its own beta parts, too.
        warnings.simplefilter("ignore", dg.BetaWarning)
        loaded = tree.build_defs()
    # Again, as the block above forgets what was set in it.
    silence_dagsters_own_beta()
    return dg.Definitions.merge(loaded, shared_definitions())


def shared_definitions() -> dg.Definitions:
    """What every deployment needs once.

    One process per run is enough, as the warehouse has a single writer. The automation sensor that Dagster would
    add is stopped until somebody switches it on; this one takes its place and runs.
    """
    automation = dg.AutomationConditionSensorDefinition(
        AFTER_FOLD_SENSOR,
        target=dg.AssetSelection.all(),
        default_status=sensor_status(),
        minimum_interval_seconds=sensor_interval_s(30),
        # The sensor asks once for each fold; if the process of its run dies, nothing else asks for the rest.
        run_tags={"dagster/max_retries": "3"},
        description="After a fold: renames what is in to .done, computes the segments, delivers the exports.",
    )
    return dg.Definitions(executor=dg.in_process_executor, sensors=[automation])


def _as_module(folder: Path) -> ModuleType:
    """The folder as the module Dagster wants, without asking for a project file or an importable place."""
    path = str(folder.absolute())
    module = ModuleType(f"cdp_assets_defs_{hashlib.sha256(path.encode()).hexdigest()[:8]}")
    module.__path__ = [path]
    module.__file__ = None
    # Dagster imports Python files of the folder, if there are any, below this name.
    sys.modules[module.__name__] = module
    return module
