"""Results as metadata: counts, column names and masked samples, never personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from cdp_assets.files.remote import shown
from cdp_assets.flows.acknowledge_files import Acknowledged
from cdp_assets.flows.export_goal import Export
from cdp_assets.flows.fold_batches import FoldResult
from cdp_assets.flows.import_files import Outcome, RejectSample, reject_sample
from cdp_assets.flows.take_look import Look

Metadata = dict[str, dg.MetadataValue | int | float | str | bool]
FATES = ("received", "created", "modified", "unchanged", "not_found", "no_identifier", "consent_mismatch", "filtered")
MAX_ROWS = 200
"""Rows of a table in metadata; the whole stands in the warehouse."""


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.MetadataValue:
    """A table for people."""
    records = [
        dg.TableRecord({name: _plain(value) for name, value in zip(columns, row, strict=True)})
        for row in rows[:MAX_ROWS]
    ]
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns])
    return dg.MetadataValue.table(records=records, schema=schema)


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def look_metadata(look: Look) -> Metadata:
    """What stands on the server, and what each goal makes of it."""
    new = [item for item in look.candidates if not item.landed]
    wrong = [item for item in look.passed_over if item.wrong_name]
    rows = [
        [
            shown(item.file.name),
            item.goal,
            item.partition_key,
            item.file.size_bytes,
            item.file.modified_at,
            "imported" if item.landed else "new",
        ]
        for item in sorted(look.candidates, key=lambda item: item.landed)
    ]
    passed = [[shown(item.name), item.goal, item.reason] for item in look.passed_over]
    return {
        "new files": len(new),
        "files": table(["name", "goal", "partition", "bytes", "modified (UTC)", "state"], rows),
        "not taken": table(["name", "goal", "why"], passed),
        "names to mend": len(wrong),
    }


def landing_metadata(outcome: Outcome) -> Metadata:
    """What one file held, before it meets the profiles."""
    if outcome.landed is None:
        return {"file": shown(outcome.name), "error": outcome.error}
    manifest = outcome.landed.manifest
    note = "" if outcome.landed.is_new else "this version was imported before; nothing was done"
    return {
        "file": shown(manifest.name),
        "note": note or "landed; the profiles take it in with the next fold",
        "rows received": manifest.rows_received,
        "rows rejected": manifest.rows_rejected,
        "rows without identifier": manifest.rows_no_identifier,
        "cells rejected": manifest.cells_rejected,
        "rows with missing cells": manifest.padded_rows,
        "columns": ", ".join(manifest.columns),
        "effective at": manifest.effective_at.isoformat(),
        "dagster/partition_row_count": manifest.rows_received,
        "rejects": rejects_table(reject_sample(outcome.landed)),
    }


def rejects_table(sample: Sequence[RejectSample]) -> dg.MetadataValue:
    """The first rejects, texts masked; in full they stand in `ops.rejects`."""
    rows = [[item.line_no, item.column_name or "(whole row)", item.text, item.reason] for item in sample]
    return table(["line", "column", "text (masked)", "reason"], rows)


def batch_metadata(entry: Mapping[str, object]) -> Metadata:
    """What the rows of one batch did: a ledger row."""
    counts: Metadata = {f"rows {name.replace('_', ' ')}": _count(entry[f"rows_{name}"]) for name in FATES}
    counts["rows rejected"] = _count(entry["rows_rejected"])
    counts["cells rejected"] = _count(entry["cells_rejected"])
    return {"file": str(entry["name"]), "state": str(entry["state"]), "note": str(entry["note"]), **counts}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def fold_metadata(result: FoldResult) -> Metadata:
    """What a fold did, batch by batch."""
    columns = ["file", "goal", "received", "created", "modified", "unchanged", "not found", "excluded", "rejected"]
    rows = [
        [
            entry["name"],
            f"{entry['connection']}/{entry['goal']}",
            entry["rows_received"],
            entry["rows_created"],
            entry["rows_modified"],
            entry["rows_unchanged"],
            entry["rows_not_found"],
            _count(entry["rows_no_identifier"]) + _count(entry["rows_consent_mismatch"]),
            entry["rows_rejected"],
        ]
        for entry in result.folded
    ]
    left_out = [[entry["name"], entry["goal"], entry["state"], entry["note"]] for entry in result.left_out]
    return {
        "dagster/row_count": result.profiles,
        "batches folded": len(result.folded),
        "rebuilt from all batches": result.replayed,
        "batches": table(columns, rows),
        "batches left out": table(["file", "goal", "state", "why"], left_out),
    }


def done_metadata(outcomes: Sequence[Acknowledged]) -> Metadata:
    """Which files were renamed, and which were not and why."""
    rows = [
        [shown(item.path), shown(item.renamed_to) if item.renamed_to else "", item.note, item.settled]
        for item in outcomes
    ]
    return {
        "files renamed": sum(item.renamed_to is not None for item in outcomes),
        "to be tried again": sum(not item.settled for item in outcomes),
        "files": table(["file", "renamed to", "note", "settled"], rows),
    }


def export_metadata(exports: Sequence[Export]) -> Metadata:
    """What was delivered by this run; the last entry is the run's own, earlier ones were left over."""
    own = exports[-1]
    rows = [[item.path, item.rows, item.no_identifier, item.unchanged, item.note] for item in exports]
    return {
        "dagster/row_count": own.rows,
        "file": own.path or "(none)",
        "note": own.note or f"Exported {own.rows} profiles to {own.path}.",
        "members without identifier": own.no_identifier,
        "members unchanged since their last delivery": own.unchanged,
        "deliveries": table(["file", "rows", "no identifier", "unchanged", "note"], rows),
    }
