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
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import masked
from cdp_assets.flows.preview_events import ITEMS
from cdp_assets.flows.preview_files import Asked, GoalPreview, preview_goal
from cdp_assets.flows.required_columns import shown_names
from cdp_assets.flows.sample_results import Cell, SampleReject, SampleRows, SetPreview
from cdp_assets.flows.take_look import Look

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
    found += [f"warning: {shown(warning)}" for warning in (*preview.differences, *seen.warnings)]
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
        # Of every table two columns, with words that can be broken: what is wider than the page is cut.
        f"{label}: columns": table(
            ["column", "what it holds, with masked examples"],
            [[names.get(profile.name, profile.name), _looks(profile)] for profile in seen.columns],
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
            [fate, *(_event_cell(name, cell) for name, cell in zip(kind.rows.columns, row, strict=True))]
            for fate, row in zip(fates, kind.rows.rows, strict=True)
        ]
        columns = ["profile", *kind.rows.columns]
        metadata[f"{label}: events of type {kind.type}, masked"] = _turned(columns, kind.rows.lines, rows)
    if seen.events.rejects:
        metadata[f"{label}: events that would be rejected"] = table(
            ["where", "masked text and reason"],
            [
                [
                    _where(item),
                    f"{masked(item.raw_text)}: {item.reason}",
                ]
                for item in seen.events.rejects
            ],
        )
    return metadata


def _where(item: SampleReject) -> str:
    places = (shown(item.file_name), f"line {item.line_no}" if item.line_no else "", item.column_name)
    return ", ".join(filter(None, places))


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
    columns = [names.get(name, name) for name in rows.columns[:MOST_COLUMNS]]
    return _turned(columns, rows.lines, [[_masked(cell) for cell in row[:MOST_COLUMNS]] for row in rows.rows])


def _turned(columns: Sequence[str], lines: Sequence[int], rows: Sequence[Sequence[str]]) -> dg.MetadataValue:
    """One line for each column: what it holds in each row, as a table with all columns is wider than the page."""
    told = f"{'line' if len(lines) == 1 else 'lines'} {', '.join(map(str, lines))} of the file" if lines else "no rows"
    body = [[name, " / ".join(row[place] or "(empty)" for row in rows)] for place, name in enumerate(columns)]
    return table(["column", told], body)


def _looks(profile: ColumnProfile) -> str:
    examples = ", ".join(masked(text) for text in profile.examples)
    counts = f"{profile.filled_share} filled, {profile.distinct:,} different"
    return "; ".join(filter(None, (profile.looks_like, counts, examples)))


def _masked(cell: Cell) -> str:
    if cell is None:
        return ""
    return " | ".join(masked(text) for text in cell) if isinstance(cell, list) else masked(cell)
