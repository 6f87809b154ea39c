"""What a preview found as metadata of a connection's files: counts, column names and masked samples."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from cdp_assets.assets.metadata import Metadata, table
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import Deployment, batch_config
from cdp_assets.errors import CdpError
from cdp_assets.files.remote import shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import masked
from cdp_assets.flows.preview_events import ITEMS
from cdp_assets.flows.preview_files import Asked, GoalPreview, preview_goal
from cdp_assets.flows.sample_results import Cell, SampleRows, SetPreview
from cdp_assets.flows.take_look import Look
from cdp_assets.flows.write_batch import shown_names

MOST_GOALS = 5
MOST_COLUMNS = 40
"""Of one table of rows; the table of columns names up to 200."""
LINKED_BYTES = 16 << 20
ROWS = 5


def preview_metadata(
    deployment: Deployment, connection: Connection, look: Look, server: SftpFileSystem, folders: DataFolders
) -> Metadata:
    """Looks into one file set of each active goal, at most `MOST_GOALS`. What goes wrong is told, never raised."""
    metadata: Metadata = {}
    goals = [goal for goal in connection.imports if goal.active]
    for goal in goals[:MOST_GOALS]:
        try:
            config = batch_config(deployment, connection, goal)
            preview = preview_goal(config, connection, look, server, folders, Asked("", ROWS, LINKED_BYTES))
            metadata |= _told(goal, preview)
        except CdpError as error:
            metadata[f"preview of {goal.name}"] = str(error)
        except Exception as error:  # noqa: BLE001 - a Python processor may raise anything
            # Its text may quote what stands in the file.
            metadata[f"preview of {goal.name}"] = f"a processor failed with {type(error).__name__}"
    if len(goals) > MOST_GOALS:
        left = ", ".join(goal.name for goal in goals[MOST_GOALS:])
        metadata["no preview here"] = f"{left}; use python -m cdp_assets preview {connection.name} <goal>"
    return metadata


def _told(goal: ImportGoal, preview: GoalPreview) -> Metadata:
    label = f"preview of {goal.name}"
    if preview.seen is None:
        problem = "something is wrong on our side" if preview.internal else preview.problem
        return {label: f"{_file(preview)}: {problem}" if preview.chosen else problem}
    seen = preview.seen
    names = _safe(goal, seen)
    found = [_file(preview), *(f"an import would fail: {problem}" for problem in seen.problems)]
    found += [f"warning: {shown(warning)}" for warning in seen.warnings]
    found += [f"rows {seen.rows_read:,}, left out by processors {seen.rows_filtered:,}", preview.told_matches]
    found += [f"would be rejected: rows {seen.refused.rows:,}, cells {seen.refused.cells:,}"]
    if preview.told_events:
        found.append(preview.told_events)
    if seen.missing:
        found.append(f"not in the file: {', '.join(seen.missing)}")
    if seen.unmapped:
        found.append(f"without a mapping: {', '.join(names.get(name, name) for name in seen.unmapped)}")
    metadata: Metadata = {
        label: "; ".join(found),
        f"{label}: columns": table(
            ["column", "looks like", "filled", "distinct", "masked examples"],
            [
                [
                    names.get(profile.name, profile.name),
                    profile.looks_like,
                    profile.filled_share,
                    profile.distinct,
                    ", ".join(masked(text) for text in profile.examples),
                ]
                for profile in seen.columns
            ],
        ),
        f"{label}: rows as in the file, masked": _rows(seen.before, names),
    }
    if seen.after.rows and (goal.processors or goal.files.linked):
        metadata[f"{label}: rows processed and linked, masked"] = _rows(seen.after, names)
    return metadata | _events(label, preview, seen)


def _events(label: str, preview: GoalPreview, seen: SetPreview) -> Metadata:
    """The first events of each type, and what is wrong with those that would be rejected."""
    metadata: Metadata = {}
    for kind in seen.events.types:
        fates = [fate if fate in _NO_ID else "known" for fate in map(preview.fate, kind.people)]
        rows = [
            [line, fate, *(_event_cell(name, cell) for name, cell in zip(kind.rows.columns, row, strict=True))]
            for line, fate, row in zip(kind.rows.lines, fates, kind.rows.rows, strict=True)
        ]
        columns = ["line of the file", "profile", *kind.rows.columns]
        metadata[f"{label}: events of type {kind.type}, masked"] = table(_different(columns), rows)
    if seen.events.rejects:
        metadata[f"{label}: events that would be rejected"] = table(
            ["file", "line", "column", "masked text", "reason"],
            [
                [shown(item.file_name), item.line_no, item.column_name, masked(item.raw_text), item.reason]
                for item in seen.events.rejects
            ],
        )
    return metadata


_NO_ID = {"new", "not found", "no identifier", "?"}


def _event_cell(name: str, cell: Cell) -> str:
    """How many items there are is no personal data."""
    return str(cell) if name.endswith(ITEMS) else _masked(cell)


def _file(preview: GoalPreview) -> str:
    """The files looked into, and what must be known of them."""
    if not preview.files:
        return shown(preview.chosen.file.name) if preview.chosen else ""
    told = []
    for file in preview.files:
        notes = [*file.layers, *([file.note] if file.note else [])]
        told.append(f"{shown(file.name)} ({', '.join(notes)})" if notes else shown(file.name))
    return " + ".join(told)


def _safe(goal: ImportGoal, seen: SetPreview) -> dict[str, str]:
    """Column → what may be told of its name: a file that lacks its header has data there."""
    if goal.identifier_columns[0].column in {profile.name for profile in seen.columns}:
        return {}
    names = [*seen.raw_columns, *(profile.name for profile in seen.columns)]
    return dict(zip(names, shown_names(names), strict=True))


def _rows(rows: SampleRows, names: dict[str, str]) -> dg.MetadataValue:
    columns = _different([names.get(name, name) for name in rows.columns[:MOST_COLUMNS]])
    body = [
        [line, *(_masked(cell) for cell in row[:MOST_COLUMNS])] for line, row in zip(rows.lines, rows.rows, strict=True)
    ]
    return table(["line of the file", *columns], body)


def _different(names: Sequence[str]) -> list[str]:
    """The names, with their place behind those that stand there twice: a table cannot hold them otherwise."""
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, start=1)]


def _masked(cell: Cell) -> str:
    if cell is None:
        return ""
    return " | ".join(masked(text) for text in cell) if isinstance(cell, list) else masked(cell)
