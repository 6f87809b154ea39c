"""Warnings of columns that a goal maps and a file has not: what that changes, and what not (spec.md 6.3). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cdp_assets.config.event_columns import absent_columns, event_columns
from cdp_assets.config.model import BatchConfig
from cdp_assets.files.remote import shown
from cdp_assets.flows.required_columns import did_you_mean, nearly_called


def absent_warnings(config: BatchConfig, columns: Collection[str]) -> Iterator[str]:
    """One for profiles or groups, which stay as they are; and one for events, which are written as a whole."""
    absent = absent_columns(config, columns)
    goal, of_events = config.goal, event_columns(config, columns)
    own = {*(one.column for one in goal.identifier_columns), *(one.column for one in goal.mappings)}
    finding = [one.column for one in goal.identifier_columns if one.column in absent]
    if finding:
        others = [one.column for one in goal.identifier_columns if one.column not in absent]
        by = ", ".join(map(shown, dict.fromkeys(others)))
        meant = _meant(config, finding, columns)
        yield f"{_no_column(finding)}, which finds people: they are found by {by} alone{meant}"
    lacking = [name for name in absent if name in own and name not in finding]
    if lacking:
        yield f"{_no_column(lacking)}; what is mapped from there stays as it is{_meant(config, lacking, columns)}"
    dates = {event.date: event for event in goal.events if event.date in absent}
    for name, event in dates.items():
        lost = f"no {event.type} has a date, and every one is left out"
        kept = f"no {event.type} has a date of its own, and each is dated by when the file was seen"
        yield f"{_no_column([name])}; {lost if event.on_missing_date == 'reject' else kept}"
    ids = {event.id: event for event in goal.events if event.id in absent}
    for name, event in ids.items():
        yield f"{_no_column([str(name)])}; each {event.type} gets an id of its own, also one that is there already"
    lacking = [name for name in absent if name in of_events and name not in dates and name not in ids]
    if lacking:
        fields = ", ".join(field for name in lacking for field in of_events[name])
        lost = f"its events have no {fields}, also those that were there and had one"
        yield f"{_no_column(lacking)}; {lost}{_meant(config, lacking, columns)}"


def _no_column(names: Collection[str]) -> str:
    return f"the file has no {'column' if len(names) == 1 else 'columns'} {', '.join(map(shown, names))}"


def _meant(config: BatchConfig, names: Collection[str], columns: Collection[str]) -> str:
    """A hint where a linked file has a column of such a name, or the file one of nearly such that is not used."""
    goal = config.goal
    used = {*(one.column for one in goal.identifier_columns), *(one.column for one in goal.mappings)}
    meant = [name for own in names for name in columns if name.partition(".")[2] == own]
    return did_you_mean(meant + nearly_called(names, [name for name in columns if name not in used]))
