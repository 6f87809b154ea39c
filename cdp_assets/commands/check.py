"""`python -m cdp_assets check`: every mistake in the YAML, one per line, or what there is and what to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.doubts import cut_days, idle_schedules
from cdp_assets.config.event_columns import doubtful_items, summed_beside_events
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.flows.notify import idle, untold
from cdp_assets.flows.shared_files import coming_back, cut_dates, dated_by_name, sharing_by_name

HELP = "find every mistake in the YAML of a defs folder"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--defs",
        type=Path,
        metavar="DIR",
        help="folder with the YAML; default: the environment variable CDP_DEFS_DIR, else the package's own",
    )


def run(options: argparse.Namespace) -> int:
    """Print the result; 1 if there is a mistake."""
    try:
        deployment = load_deployment(options.defs or defs_folder())
    except ConfigError as error:
        for problem in error.problems:
            print(problem)
        print(counted(len(error.problems), "problem"))
        return 1
    for told in dict.fromkeys(cut_days(deployment.model)):
        print(f"note: {told}")
    for connection in deployment.connections:
        names = (*sharing_by_name(connection), *dated_by_name(connection), *cut_dates(connection))
        for told in (*names, *summed_beside_events(connection)):
            print(f"note: connection {connection.name}: {told}")
        others = coming_back(connection, deployment.model)
        doubts = (*idle_schedules(connection), *untold(connection), *idle(connection), *others)
        doubts = (*doubts, *doubtful_items(connection))
        for told in doubts if connection.enabled else ():
            print(f"warning: connection {connection.name}: {told}")
    print(f"ok: {_summary(deployment)}")
    return 0


def _summary(deployment: Deployment) -> str:
    connections = deployment.connections
    goals = sum(len(connection.goals) for connection in connections)
    return f"1 customer model, {counted(len(connections), 'connection')}, {counted(goals, 'goal')}"
