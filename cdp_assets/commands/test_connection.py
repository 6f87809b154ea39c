"""`python -m cdp_assets test-connection`: what a connection can read, write and rename on its server."""

from __future__ import annotations

import argparse

from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.flows.check_connection import check_connection

HELP = "try out what a connection can read, write and rename on its server"
_MARKS = {"yes": "ok    ", "no": "FAILED", "not tried": "-     "}


def configure(parser: argparse.ArgumentParser) -> None:
    """Which connection."""
    parser.add_argument("connection")


def run(options: argparse.Namespace) -> int:
    """Print one line for each thing tried; 1 if something does not work."""
    deployment = load_deployment(defs_folder())
    trials = check_connection(chosen_connection(deployment, options.connection))
    for trial in trials:
        print(f"{_MARKS[trial.works]}  {trial}")
    return 0 if all(trial.ok for trial in trials) else 1
