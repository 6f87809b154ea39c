"""`python -m cdp_assets recent-imports`: the files of drop folders, the newest first, and what came of their rows."""

from __future__ import annotations

import argparse

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.commands.tables import Column, new_console, print_table, say
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql.history import RECENT_COUNTS, recent_imports
from cdp_assets.warehouse import open_warehouse

HELP = "list the files of drop folders, or of any connection, with their status and counts"


def configure(parser: argparse.ArgumentParser) -> None:
    """Of which connection, and how many."""
    parser.add_argument("connection")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="files (20)")


def run(options: argparse.Namespace) -> int:
    """Print the table; 0 also if nothing came yet.

    Raises:
        ConfigError: whoever asks must: nothing came by that name, and there is no such connection.
    """
    folders, console = data_folders(), new_console()
    found = []
    if folders.warehouse.exists():
        with open_warehouse(folders.warehouse) as database:
            prepare_schemas(database)
            found = database.rows(recent_imports(options.connection, options.limit))
    if not found:
        chosen_connection(load_deployment(defs_folder()), options.connection)
    counts = [Column(name.replace("_", "-"), number=True) for name in RECENT_COUNTS]
    columns = [
        Column("folder", whole=True),
        Column("file", whole=True),
        Column("status", 9),
        *counts,
        Column("finished (UTC)", 16),
    ]
    print_table(console, "Recent imports", columns, [row[:-1] for row in found])
    for row in found:
        if row[-1]:
            say(console, f"{row[1]}: {row[-1]}")
    if not found:
        say(console, "nothing was imported yet")
    return 0
