"""`python -m cdp_assets history`: what was imported and exported, the newest first, and how many profiles moved."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.commands.tables import Column, new_console, print_table, say, tell_source
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.errors import ConfigError
from cdp_assets.files.remote import shown
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse

HELP = "list what was imported and exported, the newest first, with its counts"
_INDENT = 4
_IMPORTS = Sql(
    "SELECT strftime(happened_at, '%Y-%m-%d %H:%M'), state, connection || '/' || goal,"
    " file || CASE WHEN state = 'failed' THEN '' ELSE ' (batch ' || id[:8] || ')' END, message"
    " FROM ops.import_history WHERE coalesce(connection = $connection, true) AND coalesce(goal = $goal, true)"
    " ORDER BY happened_at DESC, position DESC, id LIMIT $limit"
)
_EXPORTS = Sql(
    "SELECT strftime(happened_at, '%Y-%m-%d %H:%M'), state, connection || '/' || goal,"
    " CASE WHEN message = '' THEN path ELSE '' END, message"
    " FROM ops.export_history"
    " WHERE coalesce(connection = $connection, true) AND coalesce(goal = $goal, true)"
    " ORDER BY happened_at DESC, id LIMIT $limit"
)
_EXCHANGE = Sql(
    "SELECT connection, direction, profiles FROM ops.data_exchange WHERE coalesce(connection = $connection, true)"
    " ORDER BY connection, direction DESC"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Of which connection, and how much of it."""
    parser.add_argument("connection", nargs="?", help="default: all connections")
    parser.add_argument("goal", nargs="?", help="default: all goals")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="rows of each table (20)")


def run(options: argparse.Namespace) -> int:
    """Print the tables; 0 also if nothing happened yet.

    Raises:
        ConfigError: whoever asks must: nothing of that name happened, and there is no such connection.
    """
    folders, console = data_folders(), new_console()
    if not folders.warehouse.exists():
        if options.connection is not None:
            chosen_connection(load_deployment(defs_folder()), options.connection)
        say(console, "nothing was imported yet")
        return 0
    chosen = {"connection": options.connection}
    of_goal = chosen | {"goal": options.goal, "limit": options.limit}
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        imports = database.rows(_IMPORTS, of_goal)
        exports = database.rows(_EXPORTS, of_goal)
        # The exchange counts people of a connection, whichever goals brought them.
        exchange = database.rows(_EXCHANGE, chosen) if options.goal is None else []
    if options.connection is not None and not (imports or exports or exchange):
        _require(options.connection, options.goal)
    _tell(
        console,
        "Imported (times in UTC; a count is of rows in the file, several of which may be one person's)",
        imports,
    )
    _tell(console, "Exported (times in UTC)", exports)
    columns = [Column("connection"), Column("direction"), Column("different profiles", number=True)]
    rows = [[connection, direction, f"{profiles:,}"] for connection, direction, profiles in exchange]
    print_table(console, "Data exchange", columns, rows)
    if not imports and not exports:
        say(console, "nothing was imported or exported yet")
    tell_source(console)
    return 0


def _tell(console: Console, title: str, events: Sequence[tuple[str, ...]]) -> None:
    """What happened, each with its facts in one line, in columns, and below what became of it."""
    if not events:
        return
    say(console, title)
    states, goals = (max(len(shown(event[place])) for event in events) for place in (1, 2))
    for when, state, goal, name, message in events:
        say(console, f"{when}  {state:{states}}  {shown(goal):{goals}}  {shown(name)}".rstrip(), whole=True)
        if message and console.is_terminal:
            console.print(Padding(Text(shown(message)), (0, 0, 0, _INDENT), expand=False))
        elif message:
            say(console, f"{'':{_INDENT}}{shown(message)}", whole=True)
    console.print()


def _require(connection: str, goal: str | None) -> None:
    """Of what nothing happened yet there is at least the YAML.

    Raises:
        ConfigError: whoever asks must: there is no such connection, or no such goal of it.
    """
    names = [item.name for item in chosen_connection(load_deployment(defs_folder()), connection).goals]
    if goal is not None and goal not in names:
        raise ConfigError(f"{connection} has no goal {goal}; there are: {', '.join(names)}")
