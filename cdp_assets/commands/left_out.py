"""`rejects --left-out`: which batches have rows about nobody who is known or without an identifier, and these rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.errors import ConfigError
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import short_key
from cdp_assets.flows.batch_states import Standing
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.give_rejected import write_left_out
from cdp_assets.flows.manifests import ID_SIGNS, Manifest, batch_folder
from cdp_assets.flows.read_profile import readable_warehouse
from cdp_assets.sql.left_out import LEFT_OUT, LEFT_OUT_COUNTS

_PLACE = "goal/partition"
Counts = Mapping[str, tuple[int, int]]
"""Batch → rows about nobody who is known, and rows without an identifier."""


def left_out_counts(folders: DataFolders) -> Counts:
    """Of every folded batch that has such rows; of a warehouse that is not there yet, none."""
    if not folders.warehouse.exists():
        return {}
    with readable_warehouse(folders) as (database, _):
        return {batch_id: (int(lost), int(none)) for batch_id, lost, none in database.rows(LEFT_OUT_COUNTS)}


def list_left_out(found: Sequence[Standing], counts: Counts) -> Iterator[str]:
    """One line for each batch, below their headings."""
    if not found:
        yield "no rows were left out"
        return
    places = [_place(item.manifest) for item in found]
    wide = max(map(len, [*places, _PLACE]))
    yield f"{'batch':{ID_SIGNS}}  {'landed (UTC)':16}  not found  no identifier  {_PLACE:{wide}}  file"
    for item, place in zip(found, places, strict=True):
        lost, none = counts[item.manifest.batch_id]
        head = f"{item.manifest.batch_id[:ID_SIGNS]}  {item.manifest.landed}  {lost:9}  {none:13}"
        yield f"{head}  {place:{wide}}  {shown(item.manifest.name)}"


def write_rows(
    connection: Connection, found: Sequence[Standing], folders: DataFolders, target: Path, staging: Path
) -> None:
    """Writes the rows of the only batch there is.

    Raises:
        ConfigError: whoever asks must choose: there is none, or there are several.
    """
    if len(found) != 1:
        told = ", ".join(item.told for item in found[:10]) + (", …" if len(found) > 10 else "")
        many = f"{len(found)} batches fit; choose one with --batch: {told}"
        raise ConfigError(many if found else "no rows of such a batch were left out")
    manifest = found[0].manifest
    with readable_warehouse(folders) as (database, _):
        rows = [(int(row), int(line), reason) for row, line, reason in database.rows(LEFT_OUT, [manifest.batch_id])]
    keys = opening_keys(connection.pgp) if "pgp" in manifest.layers else None
    write_left_out(manifest, batch_folder(folders, manifest), target, staging, rows, keys=keys)


def _place(manifest: Manifest) -> str:
    partition = short_key(manifest.config.goal.files, manifest.partition_key)
    return shown("/".join(filter(None, (manifest.config.goal.name, partition))))
