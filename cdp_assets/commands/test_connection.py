"""`python -m cdp_assets test-connection`: what a connection can read, write and rename on its server."""

from __future__ import annotations

import argparse

from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.errors import ConfigError
from cdp_assets.flows.check_connection import check_connection
from cdp_assets.flows.notify import places_told, send_test

HELP = "try out what a connection can read, write and rename on its server"
_MARKS = {"yes": "ok    ", "no": "FAILED", "not tried": "-     "}


def configure(parser: argparse.ArgumentParser) -> None:
    """Which connection, and whether people get a message."""
    parser.add_argument("connection")
    parser.add_argument(
        "--notify", action="store_true", help="also send a test message to every place its notifications name"
    )


def run(options: argparse.Namespace) -> int:
    """Print one line for each thing tried; 1 if something does not work."""
    connection = chosen_connection(load_deployment(defs_folder()), options.connection)
    if options.notify and not places_told(connection):
        raise ConfigError(f"connection {connection.name} has no notifications with a place to send them `to`")
    trials = check_connection(connection)
    for trial in trials:
        print(f"{_MARKS[trial.works]}  {trial}")
    sent = _notify(connection) if options.notify else True
    return 0 if sent and all(trial.ok for trial in trials) else 1


def _notify(connection: Connection) -> bool:
    """Prints one line for each place; whether every one took the message."""
    ok = True
    for place, error in send_test(connection):
        print(f"{_MARKS['no']}  notify: {error}" if error else f"{_MARKS['yes']}  notify {place}: it took the message")
        ok = ok and not error
    return ok
