"""`python -m cdp_assets withdraw`: takes files out of the warehouse as if they had never come, and puts them back."""

from __future__ import annotations

import argparse

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.commands.held import published_rows
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.flows.plan_order import order_key
from cdp_assets.flows.run_connection import fold_and_publish
from cdp_assets.flows.withdrawals import reinstate, versions_of, withdraw

HELP = "take imported files out of the warehouse again, as if they had never come; --undo puts them back"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which files."""
    parser.add_argument("connection")
    parser.add_argument("goal")
    parser.add_argument(
        "partitions", nargs="*", help="every version of these partitions; where a goal has none, of the file it names"
    )
    parser.add_argument("--batch", help="instead: the one batch of this id (ops.batches; its beginning is enough)")
    parser.add_argument("--reason", default="", help="kept beside the batch in ops.batches")
    parser.add_argument("--undo", action="store_true", help="put them back in their old places")


def run(options: argparse.Namespace) -> int:
    """Write it down, rebuild, publish.

    Raises:
        ConfigError: whoever asks must: nothing is named, or something that is not there.
    """
    deployment = load_deployment(defs_folder())
    connection, (goal, *_) = chosen_imports(deployment, options.connection, options.goal)
    if bool(options.partitions) == (options.batch is not None):
        named = "the partitions" if goal.files.pattern_type != "exact" else f"the file, {goal.files.root},"
        raise ConfigError(f"name {named} to withdraw, or one batch with --batch")
    folders = data_folders()
    versions = versions_of(folders, connection.name, goal, options.partitions, options.batch)
    if options.undo:
        changed, verb = reinstate(folders, versions), "put back"
    else:
        changed, verb = withdraw(folders, versions, now(), options.reason), "withdrawn"
    for version in sorted(changed, key=order_key):
        print(f"{version.told}: {verb}")
    if len(changed) < len(versions):
        print(f"{len(versions) - len(changed)} had been {verb} before")
    before = published_rows(folders)
    result = fold_and_publish(deployment.model, folders, now(), at_once=True)
    after = published_rows(folders)
    for table in sorted(before.keys() | after.keys()):
        was, count = before.get(table, 0), after.get(table, 0)
        if was != count:
            print(f"{table}: {counted(count, 'row')}, {abs(count - was):,} {'more' if count > was else 'fewer'}")
    print(f"{counted(result.profiles, 'profile')}{', warehouse rebuilt' if result.replayed else ''}")
    return 0
