"""`python -m cdp_assets missing`: time windows that are over and have no landed file."""

from __future__ import annotations

import argparse

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.goals import ImportGoal
from cdp_assets.counted import counted
from cdp_assets.flows.missing_partitions import missing_partitions

HELP = "list the partitions by time that are over and have no landed file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which goals."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: all import goals")


def run(options: argparse.Namespace) -> int:
    """Tell; 1 if any is missing. Asks no server."""
    connection, goals = chosen_imports(load_deployment(defs_folder()), options.connection, options.goal)
    return max((_tell(connection.name, goal) for goal in goals), default=0)


def _tell(connection: str, goal: ImportGoal) -> int:
    if goal.files.partitions is None:
        print(f"{goal.name}: its partitions come with the files, so none is known to be missing; see files.partitions")
        return 0
    missing = missing_partitions(connection, goal, data_folders(), now())
    print(f"{goal.name}: {missing.windows} of {counted(missing.expected, 'partition')} missing")
    for gap in missing.gaps:
        print(f"  {gap}")
    return 1 if missing.gaps else 0
