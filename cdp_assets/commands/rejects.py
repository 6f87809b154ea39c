"""`python -m cdp_assets rejects`: which batches have rejects, and their rows as a file that can be mended."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.commands.left_out import left_out_counts, list_left_out, write_rows
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError, LocalDiskError
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import short_key
from cdp_assets.files.windows import is_called, nearest_there
from cdp_assets.flows.batch_states import Standing, goal_standings
from cdp_assets.flows.folders import DataFolders, staging_folder
from cdp_assets.flows.give_rejected import needs_received, write_rejected
from cdp_assets.flows.manifests import ID_SIGNS, Manifest, batch_folder

HELP = "list batches that count and have rejects, or write the rejected rows of one, and those of its events, to a file"
_PLACE = "goal/partition"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which batches, and where their rows go."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: all import goals")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--partition", metavar="KEY", help="only this partition")
    which.add_argument("--batch", metavar="ID", help="only the batch whose id begins so")
    parser.add_argument(
        "--all", action="store_true", help="also batches that do not count: superseded, withdrawn, landed anew, ..."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--cells", action="store_true", help="also rows that were applied without some of their cells")
    what.add_argument(
        "--left-out",
        action="store_true",
        help="rows about nobody who is known, or without an identifier, in place of rejects",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write the rows there, as their sender writes files; - = standard output"
    )


def run(options: argparse.Namespace) -> int:
    """List, or write one batch's rows."""
    deployment = load_deployment(defs_folder())
    connection, goals = chosen_imports(deployment, options.connection, options.goal)
    folders = data_folders()
    every = [(goal, item) for goal in goals for item in goal_standings(folders, connection.name, goal.name)]
    asked = _asked(connection, every, options)
    if options.left_out:
        _left_out(connection, asked, folders, options.output)
        return 0
    # Whoever names a batch means it, whatever it counts for.
    wanted = asked if options.all or options.batch else [item for item in asked if item.counts]
    if options.output is None:
        _list(wanted, [item for item in asked if item not in wanted and item.manifest.has_rejects])
    else:
        there = [item for _, item in every if item.counts or options.all]
        _write(connection, _the_one(wanted, there, options), folders, options)
    return 0


def _asked(
    connection: Connection,
    every: Sequence[tuple[ImportGoal, Standing]],
    options: argparse.Namespace,
) -> list[Standing]:
    """The batches of the partition, or the beginning of an id, that was asked for; all, if neither was.

    Raises:
        ConfigError: whoever asks must: there is none.
    """
    place = f"{connection.name}/{options.goal}" if options.goal else connection.name
    if options.partition is not None:
        found = [
            item for goal, item in every if is_called(goal.files, item.manifest.partition_key, [options.partition])
        ]
        if not found:
            keys = [short_key(goal.files, item.manifest.partition_key) for goal, item in every]
            missing = f"{place} has no partition {shown(options.partition)!r}"
            raise ConfigError(f"{missing}; {nearest_there(options.partition, keys)}")
        return found
    found = [item for _, item in every if item.manifest.batch_id.startswith(options.batch or "")]
    if options.batch and not found:
        raise ConfigError(f"no batch of {place} has an id that begins with {options.batch}")
    return found


def _list(wanted: Sequence[Standing], others: Sequence[Standing]) -> None:
    found = [item for item in wanted if item.manifest.has_rejects]
    print("\n".join(_lines(found)) if found else "no rejects")
    if others:
        states = Counter(item.state for item in others)
        which = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        do, them = ("does", "it") if len(others) == 1 else ("do", "them")
        batches = counted(len(others), "batch", "batches")
        print(f"{batches} with rejects {do} not count ({which}): --all lists {them} too")


def _lines(found: Sequence[Standing]) -> Iterator[str]:
    places = [_place(item.manifest) for item in found]
    wide = max(map(len, [*places, _PLACE]))
    deep = max(len(item.state) for item in found)
    numbers = "  ".join(f"{name:>7}" for name in ("rows", "cells", "events", "linked"))
    yield f"{'batch':{ID_SIGNS}}  {'landed (UTC)':16}  {'state':{deep}}  {numbers}  {_PLACE:{wide}}  file"
    for item, place in zip(found, places, strict=True):
        manifest = item.manifest
        linked = sum(part.rows_rejected for part in manifest.parts)
        counts = [manifest.rows_rejected, manifest.cells_rejected, manifest.events_rejected, linked]
        columns = "  ".join(f"{count:7}" for count in counts)
        head = f"{manifest.batch_id[:ID_SIGNS]}  {manifest.landed}  {item.state:{deep}}"
        yield f"{head}  {columns}  {place:{wide}}  {shown(manifest.name)}"


def _place(manifest: Manifest) -> str:
    partition = short_key(manifest.config.goal.files, manifest.partition_key)
    return shown("/".join(filter(None, (manifest.config.goal.name, partition))))


def _the_one(found: Sequence[Standing], there: Sequence[Standing], options: argparse.Namespace) -> Manifest:
    """One file has one dialect, so it holds the rows of one batch."""
    fitting = _with_rows(found, options)
    if len(fitting) == 1:
        return fitting[0].manifest
    if not fitting:
        if not options.cells and any(item.manifest.cells_rejected for item in found):
            cells = sum(item.manifest.cells_rejected for item in found)
            rows = "its row was imported without it" if cells == 1 else "their rows were imported without them"
            raise ConfigError(
                f"only {counted(cells, 'cell')} rejected, and {rows}; to write what was received, add --cells"
            )
        told = "rejected rows, events or cells" if options.cells else "rejected rows or events"
        known = _named(_with_rows(there, options)) or "no batch"
        raise ConfigError(f"no such batch has {told}; these have: {known}")
    raise ConfigError(f"{len(fitting)} batches fit; choose one with --batch: {_named(fitting)}")


def _with_rows(batches: Sequence[Standing], options: argparse.Namespace) -> list[Standing]:
    return [item for item in batches if item.manifest.rows_to_mend or (options.cells and item.manifest.cells_rejected)]


def _named(batches: Sequence[Standing]) -> str:
    return ", ".join(item.told for item in batches[:10]) + (", …" if len(batches) > 10 else "")


def _write(connection: Connection, manifest: Manifest, folders: DataFolders, options: argparse.Namespace) -> None:
    folder = batch_folder(folders, manifest)
    encrypted = "pgp" in manifest.layers and needs_received(folder, cells=options.cells)
    keys = opening_keys(connection.pgp) if encrypted else None
    with staging_folder(folders) as staging:
        made = staging / "rejected"
        write_rejected(manifest, folder, made, staging, cells=options.cells, keys=keys)
        _give(made, options.output)


def _left_out(connection: Connection, asked: Sequence[Standing], folders: DataFolders, output: str | None) -> None:
    """Rows that were not refused and changed nobody, of the batches the warehouse was made of."""
    counts = left_out_counts(folders)
    found = [item for item in asked if item.manifest.batch_id in counts]
    if output is None:
        print("\n".join(list_left_out(found, counts)))
        return
    with staging_folder(folders) as staging:
        made = staging / "left_out"
        write_rows(connection, found, folders, made, staging)
        _give(made, output)


def _give(made: Path, output: str) -> None:
    if output == "-":
        with made.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    _put(made, Path(output))
    print(f"wrote {output}")


def _put(made: Path, target: Path) -> None:
    """For the owner only, as it holds people's data."""
    try:
        with (
            made.open("rb") as source,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written,
        ):
            shutil.copyfileobj(source, written)
    except OSError as error:
        raise LocalDiskError(f"could not write {target}: {error.strerror}") from error
