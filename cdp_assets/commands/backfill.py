"""`python -m cdp_assets backfill`: a range of a goal's partitions from the terminal, folded once at its end."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from cdp_assets.assets.command_runs import carried_out
from cdp_assets.assets.imports import PARTITIONS_PER_RUN
from cdp_assets.assets.partitions import partitions_of
from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.assets.specs import done_key, files_key, goal_key, warehouse_specs
from cdp_assets.commands.asset_runs import AssetRuns
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.commands.dagster_home import prepare_dagster_home
from cdp_assets.commands.summary import print_summary
from cdp_assets.commands.tables import new_console
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.files import Files
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import natural_key
from cdp_assets.files.windows import nearest_there, partition_of
from cdp_assets.flows.run_connection import publish_copy

_DAY = re.compile(r"\d{8}")
"""How names of files hold a day most often."""
HELP = "import a range of a goal's partitions, one run after the other, then fold once"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which partitions."""
    parser.add_argument("connection")
    parser.add_argument("goal")
    parser.add_argument("first", help="first partition, as the web page names it")
    parser.add_argument("last", nargs="?", help="last partition; default: the first alone")


def run(options: argparse.Namespace) -> int:
    """Run it; 1 if a partition failed: all others are in.

    Raises:
        ConfigError: whoever asks must: the goal has no such partitions.
    """
    deployment = load_deployment(defs_folder())
    connection, (goal, *_) = chosen_imports(deployment, options.connection, options.goal)
    partitions = partitions_of(connection, goal)
    if partitions is None:
        raise ConfigError(f"{connection.name}/{goal.name} has no partitions: use run {connection.name} {goal.name}")
    prepare_dagster_home()
    console, started = new_console(), now()
    with dg.DagsterInstance.get() as instance, carried_out(instance) as tags:
        runs = AssetRuns(console, deployment, instance, tags)
        # Its look makes the partitions of files that nobody has looked at.
        if not runs.materialize([files_key(connection)], "looking at the server"):
            return 1
        known = partitions.get_partition_keys(dynamic_partitions_store=instance)
        first, last = (label_of(goal.files, known, name) for name in (options.first, options.last or options.first))
        _require_bounds(f"{connection.name}/{goal.name}", known, first, last)
        blocks = list(_blocks(known, first, last))
        if not blocks:
            between = f"from {first} to {last}"
            raise ConfigError(f"{connection.name}/{goal.name} has no partition {between}{_those(known)}")
        for block in blocks:
            bounds = {"start": block[0], "end": block[-1]}
            tags = {f"dagster/asset_partition_range_{end}": key for end, key in bounds.items()}
            ends = sorted(block, key=natural_key)
            runs.materialize([goal_key(connection, goal)], f"landing {ends[0]} to {ends[-1]}", tags)
        if runs.materialize([spec.key for spec in warehouse_specs(deployment)], "folding"):
            runs.materialize([done_key(connection)], "renaming")
    if data_folders().warehouse.exists():
        publish_copy(deployment.model, data_folders(), at_once=True)
        print_summary(console, data_folders(), started, deployment.event_types)
    return 0 if runs.ok else 1


def label_of(files: Files, known: Collection[str], name: str) -> str:
    """The partition that is called so: by its label, or as the date stands in the names of files."""
    if name in known:
        return name
    if files.partitions is None:
        day = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", name)
        return "".join(day.groups()) if day and any(_DAY.fullmatch(key) for key in known) else name
    try:
        return partition_of(files, name)
    except (FileError, ConfigError):
        return name


def _require_bounds(goal_id: str, known: Sequence[str], first: str, last: str) -> None:
    """A bound is a partition, or is written as one of them is: digits where it has digits, else the same text.

    Raises:
        ConfigError: whoever asks must: a bound is neither, or the last one comes before the first.
    """
    forms = {_form(key) for key in known}
    for name in (first, last):
        if known and name not in known and _form(name) not in forms:
            raise ConfigError(f"{goal_id} has no partition {shown(name)!r}; {nearest_there(name, known)}")
    if natural_key(last) < natural_key(first):
        raise ConfigError(f"{shown(last)!r} comes before {shown(first)!r}: name the first partition first")


def _form(key: str) -> str:
    return re.sub("[0-9]", "0", key)


def _blocks(known: Sequence[str], first: str, last: str) -> Iterator[list[str]]:
    """The partitions of a range, in pieces in which they follow each other as Dagster keeps them."""
    block: list[str] = []
    for key in known:
        inside = natural_key(first) <= natural_key(key) <= natural_key(last)
        if block and (not inside or len(block) == PARTITIONS_PER_RUN):
            yield block
            block = []
        if inside:
            block.append(key)
    if block:
        yield block


def _those(known: Sequence[str]) -> str:
    ordered = sorted(known, key=natural_key)
    return f"; it has {ordered[0]} to {ordered[-1]}" if ordered else "; it has none yet"
