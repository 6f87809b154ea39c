"""`python -m cdp_assets rejects`: which batches have rejects, and their rows as a file that can be mended."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.errors import ConfigError, LocalDiskError
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import short_key
from cdp_assets.files.windows import is_called
from cdp_assets.flows.folders import DataFolders, staging_folder
from cdp_assets.flows.give_rejected import needs_received, write_rejected
from cdp_assets.flows.land_files import current_versions
from cdp_assets.flows.manifests import ID_SIGNS, Manifest, batch_folder
from cdp_assets.flows.plan_order import order_key

HELP = "list batches with rejects, or write the rejected rows of one, and those of its events, to a file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which batches, and where their rows go."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: all import goals")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--partition", metavar="KEY", help="only this partition")
    which.add_argument("--batch", metavar="ID", help="only the batch whose id begins so")
    parser.add_argument("--cells", action="store_true", help="also rows that were applied without some of their cells")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write the rows there, as their sender writes files; - = standard output"
    )


def run(options: argparse.Namespace) -> int:
    """List, or write one batch's rows."""
    deployment = load_deployment(defs_folder())
    connection, goals = chosen_imports(deployment, options.connection, options.goal)
    folders = data_folders()
    current = [
        (goal, manifest)
        for goal in goals
        for manifest in sorted(current_versions(folders, connection.name, goal.name), key=order_key)
    ]
    found = [
        manifest
        for goal, manifest in current
        if options.partition is None or is_called(goal.files, manifest.partition_key, [options.partition])
        if manifest.batch_id.startswith(options.batch or "")
    ]
    if options.output is None:
        _list([manifest for manifest in found if manifest.has_rejects])
    else:
        _write(connection, _the_one(found, [manifest for _, manifest in current], options), folders, options)
    return 0


def _list(found: Sequence[Manifest]) -> None:
    if not found:
        print("no rejects")
        return
    numbers = "  ".join(f"{name:>7}" for name in ("rows", "cells", "events", "linked"))
    print(f"{'batch':{ID_SIGNS}}  {'landed (UTC)':16}  {numbers}  goal/partition  file")
    for item in found:
        linked = sum(part.rows_rejected for part in item.parts)
        partition = short_key(item.config.goal.files, item.partition_key)
        place = "/".join(filter(None, (item.config.goal.name, partition)))
        landed = f"{item.landed_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        counts = [item.rows_rejected, item.cells_rejected, item.events_rejected, linked]
        columns = "  ".join(f"{count:7}" for count in counts)
        print(f"{item.batch_id[:ID_SIGNS]}  {landed}  {columns}  {shown(place)}  {shown(item.name)}")


def _the_one(found: Sequence[Manifest], there: Sequence[Manifest], options: argparse.Namespace) -> Manifest:
    """One file has one dialect, so it holds the rows of one batch."""
    fitting = _with_rows(found, options)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        told = "rejected rows, events or cells" if options.cells else "rejected rows or events"
        known = _named(_with_rows(there, options)) or "no batch"
        raise ConfigError(f"no such batch has {told}; these have: {known}")
    raise ConfigError(f"{len(fitting)} batches fit; choose one with --batch: {_named(fitting)}")


def _with_rows(batches: Sequence[Manifest], options: argparse.Namespace) -> list[Manifest]:
    return [item for item in batches if item.rows_to_mend or (options.cells and item.cells_rejected)]


def _named(batches: Sequence[Manifest]) -> str:
    named = ", ".join(f"{item.batch_id[:ID_SIGNS]} ({shown(item.name)})" for item in batches[:10])
    return named + (", …" if len(batches) > 10 else "")


def _write(connection: Connection, manifest: Manifest, folders: DataFolders, options: argparse.Namespace) -> None:
    folder = batch_folder(folders, manifest)
    encrypted = "pgp" in manifest.layers and needs_received(folder, cells=options.cells)
    keys = opening_keys(connection.pgp) if encrypted else None
    with staging_folder(folders) as staging:
        made = staging / "rejected"
        write_rejected(manifest, folder, made, staging, cells=options.cells, keys=keys)
        if options.output == "-":
            with made.open("rb") as source:
                shutil.copyfileobj(source, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        _put(made, Path(options.output))
    print(f"wrote {options.output}")


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
