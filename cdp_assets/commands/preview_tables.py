"""What a preview found, told to a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from cdp_assets.commands.tables import Column, print_rows, print_table, say, short
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.counted import counted
from cdp_assets.files.remote import path_of, shown
from cdp_assets.files.selection import DONE, matches_wildcard, why_not
from cdp_assets.flows.fetch_sample import in_words
from cdp_assets.flows.file_sets import PassedOver
from cdp_assets.flows.preview_export import ExportPreview
from cdp_assets.flows.preview_files import GoalPreview
from cdp_assets.flows.sample_results import SampleReject, SampleRows, SetPreview
from cdp_assets.flows.take_look import Candidate, Look

_MOST_FILES = 20
_MOST_NAMES = 4


def print_files(console: Console, connection: Connection, look: Look) -> None:
    """Which files are for which goal, new ones first, and why the others are not; `.done` files are only counted."""
    candidates = sorted(look.candidates, key=lambda item: item.landed)
    print_table(
        console,
        f"Files on the server for {look.connection}",
        [Column("file", whole=True), Column("goal", whole=True), Column("state", 18), Column("size", number=True)],
        [
            [item.file.name, item.goal, _state(item), in_words(item.file.size_bytes)]
            for item in candidates[:_MOST_FILES]
        ],
        len(candidates),
    )
    print_table(console, "Not taken", [Column("file", whole=True), Column("why", 52)], _not_taken(connection, look))
    directories = {goal.name: path_of(connection.server, goal.files.directory) for goal in connection.imports}
    done = {(directories[item.goal], item.name) for item in look.passed_over if item.name.endswith(DONE)}
    if done:
        say(console, f"{counted(len(done), 'file')} renamed to .done, not listed")
        console.print()


def _not_taken(connection: Connection, look: Look) -> list[list[str]]:
    """Reason by reason, each told once, what waits or needs another name first; each file that no goal takes once."""
    taken = {name for item in look.candidates for name in (part.file.name for part in item.parts)}
    order = ("waits", "wrong name", "other")
    passed: dict[str, list[PassedOver]] = {}
    for item in sorted(look.passed_over, key=lambda item: order.index(item.kind)):
        if item.name not in taken and not item.name.endswith(DONE):
            passed.setdefault(item.name, []).append(item)
    reasons: dict[str, list[str]] = {}
    for name, items in passed.items():
        reasons.setdefault(_why_not_taken(connection, items), []).append(shown(name))
    rows = []
    for reason, names in list(reasons.items())[:_MOST_FILES]:
        more = [f"… and {len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
        first, *others = [*names[:_MOST_NAMES], *more]
        rows += [[first, reason], *([name, ""] for name in others)]
    return rows


def _why_not_taken(connection: Connection, items: Sequence[PassedOver]) -> str:
    """One reason for all goals that have passed over a file; what is most worth knowing comes first in `items`."""
    first = items[0]
    taker = next(filter(None, (_taker(connection, item) for item in items)), "")
    if first.kind != "other" or (len(items) == 1 and not taker):
        return f"{first.goal}: {first.reason}"
    if taker or len({item.reason for item in items}) == 1:
        return taker or first.reason
    return f"its name fits none of {', '.join(item.goal for item in items)}"


def _taker(connection: Connection, item: PassedOver) -> str:
    """Which other goal of the connection takes a file that this one is not meant for; empty = none."""
    if item.kind != "other":
        return ""
    directories = {goal.name: path_of(connection.server, goal.files.directory) for goal in connection.imports}
    for goal in connection.imports:
        if directories[goal.name] != directories[item.goal]:
            continue
        if why_not(goal.files, item.name) is None:
            return f"goal {goal.name} takes it{'' if goal.active else ', once it is active'}"
        if any(matches_wildcard(link.file, item.name) for link in goal.files.linked):
            return f"goal {goal.name} takes it as a linked file"
    return ""


def print_import(console: Console, goal: ImportGoal, preview: GoalPreview) -> None:
    """What one goal would make of its file set."""
    console.print(Text(preview.goal, style="bold underline"))
    for file in preview.files:
        layers = f", {' + '.join(file.layers)}" if file.layers else ""
        alias = f" ({file.alias})" if file.alias else ""
        note = f"; {file.note}" if file.note else ""
        say(console, f"{shown(file.name)}{alias}: {in_words(file.size_bytes)}{layers}{note}")
        for warning in file.warnings:
            say(console, f"warning: {warning}")
    for difference in preview.differences:
        say(console, f"warning: {difference}")
    if preview.problem:
        name = f"{shown(preview.chosen.file.name)} cannot be looked into: " if preview.chosen else ""
        say(console, f"{name}{preview.problem}")
    if preview.seen is not None:
        _print_seen(console, goal, preview, preview.seen)
    console.print()


def _print_seen(console: Console, goal: ImportGoal, preview: GoalPreview, seen: SetPreview) -> None:
    for problem in seen.problems:
        say(console, f"an import would fail: {problem}")
    for warning in seen.warnings:
        say(console, f"warning: {warning}")
    say(console, _rows_told(preview, seen))
    console.print()
    _print_columns(console, goal, seen)
    print_rows(console, "Rows as in the file", seen.before)
    if seen.after.columns and (goal.processors or goal.files.linked):
        dropped = ", ".join(str(line) for line in seen.dropped)
        told = f"; processors leave out line {dropped}" if dropped else ""
        print_rows(console, f"Rows as mappings see them: processed and linked{told}", seen.after)
    fates = [_fate(preview, seen, place) for place in range(len(seen.mapped.values.rows))]
    print_rows(console, "What the mappings make of them", seen.mapped.values, {preview.record: fates})
    _print_rejects(console, seen)
    say(console, preview.told_matches)
    _print_events(console, preview, seen)
    if seen.missing:
        say(console, f"Columns the goal names and the file does not have: {', '.join(map(shown, seen.missing))}")
    if seen.unmapped:
        say(console, f"Columns without a mapping: {', '.join(map(shown, seen.unmapped))}")


def print_export(console: Console, preview: ExportPreview) -> None:
    """What an export goal would deliver."""
    counts = preview.counts
    console.print(Text(preview.goal, style="bold underline"))
    say(console, f"directory: {shown(preview.directory)}")
    names = [*map(shown, preview.names[:_MOST_NAMES]), *(["…"] if len(preview.names) > _MOST_NAMES else [])]
    say(console, f"{'files' if len(names) > 1 else 'file'}: {', '.join(names) or '(none, as nobody is due)'}")
    say(console, f"header: {', '.join(map(shown, preview.header))}")
    members = f"computed {preview.computed_at} UTC"
    if preview.computed_here:
        members = f"members as of now ({preview.computed_at} UTC), computed for this preview and not kept"
    say(console, f"segment: {members}; read from the copy of {_time(preview.as_of)}")
    say(
        console,
        f"profiles to deliver: {preview.due:,}; left out without an identifier: {counts.no_identifier:,},"
        f" unchanged since their last delivery: {counts.unchanged:,}"
        + (f", in an excluded segment: {counts.excluded_segment:,}" if counts.excluded_segment else "")
        + (f", without consent: {counts.consent:,}" if counts.consent else "")
        + (f", in no such stage: {counts.not_in_stage:,}" if counts.not_in_stage else "")
        + (f", at the threshold of their stage: {counts.skipped_threshold:,}" if counts.skipped_threshold else "")
        + (f", by a processor: {counts.filtered:,}" if counts.filtered else ""),
    )
    console.print()
    lines = tuple(range(1, len(preview.rows) + 1))
    print_rows(console, "The file's first rows", SampleRows(preview.header, lines, preview.rows))
    for events in preview.events:
        title = f"{shown(events.name)}: {counted(events.due, 'row')}"
        print_rows(console, title, SampleRows(events.header, tuple(range(1, len(events.rows) + 1)), events.rows))


def _rows_told(preview: GoalPreview, seen: SetPreview) -> str:
    where = "in the file" if preview.files[0].whole else "in this beginning"
    linked = [
        f"{alias}: {counted(facts['rows'], 'row')}, {facts['orphan_rows']:,} of no row {where}"
        for alias, facts in seen.linked.items()
    ]
    filtered = f", of which processors leave out {seen.rows_filtered:,}" if seen.rows_filtered else ""
    return "; ".join([f"{counted(seen.rows_read, 'row')} can be read {where}{filtered}", *linked])


def _print_columns(console: Console, goal: ImportGoal, seen: SetPreview) -> None:
    uses, columns = _uses(goal, seen), seen.columns
    rows = [
        [
            profile.name,
            profile.looks_like,
            profile.filled_share,
            f"{profile.distinct:,}",
            ", ".join(short(text) for text in profile.examples),
            uses.get(profile.name, ""),
        ]
        for profile in columns
    ]
    cut = [f"{profile.rows:,}" for profile in columns if profile.cut]
    most = f" (of the first {cut[0]} rows)" if cut else ""
    widths = [Column("column", 20), Column("looks like", 22), Column("filled", number=True)]
    widths += [Column("distinct", number=True), Column("examples", 25), Column("goes into", 14)]
    print_table(console, f"Columns{most}", widths, rows)


def _uses(goal: ImportGoal, seen: SetPreview) -> Mapping[str, str]:
    done: dict[tuple[str, str], list[str]] = {}
    for identifier in goal.identifier_columns:
        done.setdefault((identifier.column, identifier.property), []).append("finds")
    for mapping in goal.mappings:
        done.setdefault((mapping.column, mapping.property), []).append(str(mapping.rule))
    uses: dict[str, list[str]] = {}
    for (column, name), verbs in done.items():
        uses.setdefault(column, []).append(f"{name} ({', '.join(verbs)})")
    for column, fields in seen.event_columns.items():
        uses.setdefault(column, []).extend(fields)
    for link in goal.files.linked:
        uses.setdefault(f"{link.name}.{link.column}", []).append("(joins)")
    return {column: ", ".join(told) for column, told in uses.items()}


def _fate(preview: GoalPreview, seen: SetPreview, place: int) -> str:
    """What would become of one row, as far as the published copy tells."""
    identifier = seen.mapped.values.rows[place][0]
    if seen.mapped.values.lines[place] in seen.mapped.invalid:
        return "rejected"
    return preview.fate(None if identifier is None else str(identifier))


def _print_events(console: Console, preview: GoalPreview, seen: SetPreview) -> None:
    if preview.told_events:
        say(console, preview.told_events)
    for kind in seen.events.types:
        fates = [preview.fate(person) for person in kind.people]
        print_rows(console, f"Events of type {kind.type}", kind.rows, {"profile": fates})
    # One event may have several mistakes.
    total = max(seen.events.rejected, len(seen.events.rejects))
    _print_mistakes(console, f"Events that would be rejected: {seen.events.rejected:,}", seen.events.rejects, total)


def _print_rejects(console: Console, seen: SetPreview) -> None:
    refused = seen.refused
    title = f"Would be rejected (rows: {refused.rows:,}, cells: {refused.cells:,})"
    _print_mistakes(console, title, refused.first, refused.rows + refused.cells)


def _print_mistakes(console: Console, title: str, found: Sequence[SampleReject], total: int) -> None:
    rows = [
        [item.file_name or "", item.line_no, item.level, item.column_name, item.raw_text, item.reason] for item in found
    ]
    columns = [Column("file", whole=True), Column("line", number=True), Column("what", 10), Column("column", 16)]
    columns += [Column("text", 24), Column("reason", 30)]
    if not any(row[0] for row in rows):
        columns, rows = columns[1:], [row[1:] for row in rows]
    print_table(console, title, columns, rows, total)


def _state(item: Candidate) -> str:
    if item.problem:
        return "cannot be imported"
    return "imported" if item.landed else "new"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
