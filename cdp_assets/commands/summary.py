"""What happened since a moment, as tables for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cdp_assets.commands.held import held_beside
from cdp_assets.commands.tables import put, say
from cdp_assets.config.events import EventType
from cdp_assets.counted import counted, first_of
from cdp_assets.files.remote import shown
from cdp_assets.flows.about_nobody import AboutNobody, about_nobody_since
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import events_lost, little_taken_message
from cdp_assets.flows.manifests import read_manifest
from cdp_assets.flows.set_aside import counted_twice_since, set_aside_since
from cdp_assets.flows.shrunken import shrunken_since
from cdp_assets.flows.superseded import superseded_since
from cdp_assets.sql.event_rejects import plain_reason
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import Database, open_warehouse

IMPORTED = Sql(
    "SELECT name, rows_received, rows_created, rows_modified, rows_unchanged, rows_not_found,"
    " rows_no_identifier, rows_rejected, records = 'groups' FROM ops.batches WHERE folded_at >= ? ORDER BY position"
)
SELDOM = Sql(
    """
    SELECT coalesce(sum(rows_consent_mismatch), 0)::BIGINT, coalesce(sum(rows_filtered), 0)::BIGINT,
        coalesce(sum(rows_erased), 0)::BIGINT, (
            SELECT count(*)
            FROM (
                SELECT rejects.batch_id, line_no
                FROM ops.rejects JOIN ops.batches AS own ON rejects.batch_id = own.batch_id AND rejects.file = own.name
                WHERE own.folded_at >= $since
                GROUP BY ALL
                HAVING bool_or(level = 'cell') AND NOT bool_or(level = 'row')
            )
        )
    FROM ops.batches WHERE folded_at >= $since
    """
)
SELDOM_TOLD = (
    "not imported for lack of consent",
    "dropped by a processor",
    "held back because of an erasure",
    "imported without some of their cells, which are rejected",
)
"""What to say of so many rows: what has no column of its own, in the order of `SELDOM`."""
EVENTS = Sql(
    "SELECT name, events_received, events_created, events_set, events_rejected, events_dropped FROM ops.batches"
    " WHERE folded_at >= ? AND events_received > 0 ORDER BY position"
)
EVENT_TITLES = (
    "file",
    "rows with events",
    "events created",
    "events written anew",
    "events rejected",
    "rows without profile",
)
"""Several rows may be one event, so the counts of events and of rows need not add up."""
MOST_REASONS = 12
LITTLE_TAKEN = Sql(
    "SELECT name, rows_received, rows_rejected, list(reason ORDER BY n DESC, reason) FROM ops.batches"
    " JOIN (SELECT batch_id, reason, count(*) AS n FROM ops.rejects WHERE level = 'row' GROUP BY ALL) USING (batch_id)"
    " WHERE folded_at >= ? AND rows_rejected > 1 AND 2 * rows_rejected > rows_received"
    " GROUP BY position, name, rows_received, rows_rejected ORDER BY position"
)
"""As `is_little_taken`."""
EVENTS_LOST = Sql(
    "SELECT name, events_received, events_rejected FROM ops.batches WHERE folded_at >= ? AND events_rejected > 1"
    " ORDER BY position"
)
LANDED = Sql("SELECT name, folder FROM ops.batches WHERE folded_at >= ? ORDER BY position")
RENAMED = Sql(
    "SELECT count(*), count(*) FILTER (WHERE root AND folded_at >= $since), count(*) FILTER (WHERE NOT root) FROM ("
    "SELECT folded_at, acknowledgements.path = batches.path AS root"
    " FROM ops.acknowledgements JOIN ops.batches USING (batch_id)"
    " WHERE acknowledged_at >= $since AND renamed_to IS NOT NULL)"
)
"""Files that were renamed; how many of them are listed as imported, and how many are linked files."""
PROFILES = Sql("SELECT (SELECT count(*) FROM main.profiles), (SELECT count(*) FROM main.replaced_profiles)")
SELECTED = Sql(
    'SELECT segment, size, joined, "left" FROM ops.segment_changes WHERE computed_at >= ? ORDER BY segment, computed_at'
)
DELIVERED = Sql(
    "SELECT coalesce(file.path, exports.path) || CASE WHEN parts > 1 THEN format(' and {:,} more', parts - 1)"
    " ELSE '' END, coalesce(file.rows, exports.rows),"
    " CASE WHEN coalesce(number, 1) = 1 THEN no_identifier END, CASE WHEN coalesce(number, 1) = 1 THEN unchanged END,"
    " CASE WHEN state = 'staged' THEN 'NOT there yet' WHEN state = 'refused' THEN 'NOT sent'"
    " WHEN started_at < $since THEN 'of an earlier run' WHEN uploaded THEN 'new file' ELSE 'same as there' END"
    " FROM ops.exports LEFT JOIN (SELECT export_id, sum(rows)::BIGINT AS rows, min_by(path, number) AS path,"
    " count(*) AS parts, CASE WHEN stream = 'profiles' THEN min(number) ELSE 1000000 + min(number) END AS number"
    " FROM ops.export_files"
    " WHERE (stream = 'profiles' AND action <> '') OR stream LIKE 'events/%' OR stream LIKE 'items/%'"
    " GROUP BY export_id, stream, action"
    " UNION ALL SELECT export_id, NULL, NULL, count(*), 1 FROM ops.export_files WHERE stream = 'profiles'"
    " GROUP BY export_id HAVING max(action) = '') AS file USING (export_id)"
    " WHERE coalesce(delivered_at, started_at) >= $since ORDER BY started_at, goal, number"
)
"""Of this run, and what it sent for runs that had not come so far."""
LEFT_OUT = Sql(
    "SELECT path, excluded_segment, consent, not_in_stage, skipped_threshold, filtered FROM ops.exports"
    " WHERE coalesce(delivered_at, started_at) >= $since AND coalesce(excluded_segment, 0) + coalesce(consent, 0)"
    " + coalesce(not_in_stage, 0) + coalesce(skipped_threshold, 0) + coalesce(filtered, 0) > 0"
    " ORDER BY started_at, goal"
)
LEFT_OUT_TOLD = (
    "in an excluded segment",
    "without consent",
    "in no such stage",
    "at the threshold of their stage",
    "by a processor",
)
"""What to say of so many members, in the order of `LEFT_OUT`."""


@dataclass(frozen=True)
class NotDone:
    """What the runs themselves told of what they left undone."""

    failed: bool = False
    """Whether not all was done."""
    undelivered: Sequence[str] = ()
    """A line for each export goal that had nothing to deliver, with the reason."""
    passed_over: Sequence[str] = ()
    """A line for each file on the server that waits for something, or must be renamed first."""
    failed_checks: Sequence[str] = ()
    """A line for each check that was made and fails."""


def print_summary(
    console: Console,
    folders: DataFolders,
    since: datetime,
    kinds: Sequence[EventType],
    not_done: NotDone = NotDone(),
) -> None:
    """Imported, merged, rejected, selected, delivered: real counts from the ledger.

    Args:
        console: where it is printed.
        folders: of this deployment.
        since: what happened before is left out.
        kinds: all types of events; what is wrong with one is told by its field.
        not_done: what the runs left undone.
    """
    with open_warehouse(folders.warehouse) as database:
        imported = _imported(console, database, folders, since, not_done)
        if imported or not not_done.failed:
            profiles, replaced = database.row(PROFILES)
            merged = f"; {replaced:,} that files had created became one with others" if replaced else ""
            console.print(f"{counted(profiles, 'profile')} in the warehouse{merged}\n")
            _held(console, database)
        reasons = database.rows(_reasons(kinds), [since])
        if reasons:
            told = first_of(reasons, MOST_REASONS)
            _print(console, "Rejected", ["reason", "row or cell", "count"], told)
            if len(reasons) > len(told):
                console.print(f"… and {counted(len(reasons) - len(told), 'more reason')}\n")
        print_selected(console, database, since)
        delivered = database.rows(DELIVERED, {"since": since})
        if delivered:
            columns = ["delivered file", "rows", "no id", "unchanged", "content"]
            _print(console, "Delivered", columns, delivered)
            for path, *counts in database.rows(LEFT_OUT, {"since": since}):
                others = zip(counts, LEFT_OUT_TOLD, strict=True)
                named = ", ".join(f"{count:,} {why}" for count, why in others if count)
                say(console, f"{shown(path)}: left out are also {named}\n", whole=True)
        for line in (*not_done.undelivered, *not_done.failed_checks):
            say(console, line, whole=True)


def print_selected(console: Console, database: Database, since: datetime) -> None:
    """The segments that were computed since then."""
    selected = database.rows(SELECTED, [since])
    if selected:
        _print(console, "Selected", ["segment", "members", "joined", "left"], selected)


def _reasons(kinds: Sequence[EventType]) -> Sql:
    """Why rows, cells and events were rejected, in plain words, the most frequent reason first."""
    return sql(
        "SELECT {reason} AS told, level, count(*) AS n FROM ops.rejects"
        " JOIN (SELECT batch_id, folded_at FROM ops.batches) USING (batch_id)"
        " WHERE folded_at >= ? GROUP BY ALL ORDER BY n DESC, 1",
        reason=plain_reason(kinds),
    )


def tell_passed_over(console: Console, lines: Sequence[str]) -> None:
    """Files on the server that a run left for later: at most `MOST_REASONS`."""
    for line in lines[:MOST_REASONS]:
        say(console, f"{line}\n", whole=True)
    if len(lines) > MOST_REASONS:
        console.print(f"… and {counted(len(lines) - MOST_REASONS, 'more file')} left on the server for later\n")


def _imported(console: Console, database: Database, folders: DataFolders, since: datetime, not_done: NotDone) -> bool:
    """Whether anything was."""
    rows = database.rows(IMPORTED, [since])
    aside = list(set_aside_since(database, folders, since))
    if not rows:
        told = bool(not_done.failed or not_done.passed_over or aside)
        console.print(
            "Nothing was imported." if told else "No new files on the server: nothing was imported, nothing changed."
        )
        for sentence in aside:
            say(console, f"{sentence}\n", whole=True)
        tell_passed_over(console, not_done.passed_over)
        return False
    unknown = about_nobody_since(database, folders, since)
    for warning in _warnings(database, folders, since, unknown):
        console.print(f"[bold red]WARNING[/bold red] {escape(warning)}\n")
    columns = ["file", "rows", "created", "modified", "unchanged", "not found", "no id", "rejected"]
    of_people = [row for row in rows if not row[-1]]
    label = "total" if len(of_people) == len(rows) else "total without groups"
    totals = [label, *(sum(row[place] or 0 for row in of_people) for place in range(1, len(columns)))]
    _print(console, "Imported and merged", columns, [*(row[:-1] for row in rows), totals])
    seldom = zip(database.row(SELDOM, {"since": since}), SELDOM_TOLD, strict=True)
    lines = [f"{counted(count, 'row')} {told}\n" for count, told in seldom if count]
    if lines:
        say(console, "".join(lines))
    few = (told.sentence for told in unknown if not told.many)
    which = dict.fromkeys(
        f"`python -m cdp_assets rejects {told.connection} --left-out` tells which" for told in unknown
    )
    for sentence in (*few, *which, *superseded_since(database, since).values(), *aside):
        say(console, f"{sentence}\n", whole=True)
    tell_passed_over(console, not_done.passed_over)
    events = database.rows(EVENTS, [since])
    if events:
        _print(console, "Events", EVENT_TITLES, events)
    renamed, listed, linked = database.row(RENAMED, {"since": since})
    console.print(f"{counted(renamed, 'source file')} renamed to .done{_which(len(rows), renamed, listed, linked)}")
    return True


def _which(files: int, renamed: int, listed: int, linked: int) -> str:
    """How the number of renamed files goes with that of the files in the table."""
    if renamed == listed == files:
        return ""
    others = renamed - listed - linked
    told = [
        f"{listed:,} of the {files:,} above",
        counted(linked, "linked file") if linked else "",
        counted(others, "other") if others else "",
    ]
    return f" ({', '.join(filter(None, told))})"


def _warnings(
    database: Database, folders: DataFolders, since: datetime, unknown: Sequence[AboutNobody]
) -> Iterator[str]:
    """Files of which little is imported, goals with rows about nobody, and files perhaps not what they seem."""
    for name, rows, rejected, reasons in database.rows(LITTLE_TAKEN, [since]):
        yield f"{shown(name)}: {little_taken_message(rows, rejected, reasons)}"
    for name, events, rejected in database.rows(EVENTS_LOST, [since]):
        yield from (f"{shown(name)}: {told}" for told in events_lost(events, rejected))
    yield from (told.sentence for told in unknown if told.many)
    yield from counted_twice_since(database, since)
    shrunken = shrunken_since(database, since)
    for name, folder in database.rows(LANDED, [since]):
        manifest = read_manifest(folders.landing / folder)
        doubts = [shrunken[manifest.batch_id]] if manifest.batch_id in shrunken else []
        yield from (f"{shown(name)}: {warning}" for warning in (*doubts, *manifest.warnings))


def _held(console: Console, database: Database) -> None:
    """Groups, events, their items, products and lists, as they are now; nothing where there are none."""
    rows = [(name, count) for name, count in held_beside(database).items() if count]
    if rows:
        _print(console, "Beside the profiles", ["table", "rows"], rows)


def _print(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Headers of numbers stand over several lines, so that the table is narrow; names are never broken."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for place, column in enumerate(columns):
        if rows and isinstance(rows[0][place], int):
            table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
        elif column == "reason":
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    put(console, table)
    console.print()


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else shown(str(cell or ""))
