"""`python -m cdp_assets profile`: one profile, and which row of which file each of its values came from."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.consent_tables import history_as_json, print_history
from cdp_assets.commands.tables import NOTHING, Column, new_console, print_table, say, tell_source
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.flows.look_up import MOST_ROWS, LookedUp, look_up
from cdp_assets.flows.read_profile import Listed
from cdp_assets.flows.trace_profile import Change

TITLES = {"lifecycle_members": "Lifecycles"}
"""Of tables that are not called what they hold of one profile."""
HELP = (
    "show one profile: its values and the file and line each came from, events, groups, segments, lifecycles, conflicts"
)
MOST_ITEMS = 3
"""Items told of one event; `--json` tells all."""
MOST_OPERATIONS = 5
"""Operations told of one value; `--history` tells all."""
_ORIGIN = [Column("file", whole=True), Column("line", number=True), Column("seen (UTC)"), Column("batch")]


def configure(parser: argparse.ArgumentParser) -> None:
    """Who, and what of it."""
    parser.add_argument("value", help="value of an identifier, whole; or the id of a profile")
    parser.add_argument("--property", metavar="NAME", help="the identifier that must hold it; default: any")
    parser.add_argument("--history", metavar="NAME", help="everything that ever happened to this property")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=MOST_ROWS, help=f"fold at most so many rows; default: {MOST_ROWS}"
    )


def run(options: argparse.Namespace) -> int:
    """Show; 1 if folding its rows anew gives another profile than the warehouse holds."""
    deployment = load_deployment(defs_folder())
    found = look_up(deployment.model, data_folders(), options.value, options.property, options.limit)
    known = found.known.properties | found.known.consent
    if options.history is not None and options.history not in known:
        names = ", ".join(sorted(known))
        raise ConfigError(f"profiles have no property {options.history}; there are: {names}")
    if options.json:
        json.dump(_as_json(found, options.history), sys.stdout, ensure_ascii=False, indent=2, default=str)
        print()
    else:
        days = frozenset(prop.name for prop in deployment.model.properties if prop.whole_days)
        _show(found, options.history, days)
    if found.differing:
        names = ", ".join(found.differing)
        print(
            f"WARNING: folding the rows of this profile anew gives another value for {names} than the warehouse holds:"
            " do not rely on where these came from; `python -m cdp_assets replay --check` tells whether the"
            " warehouse is what its files make",
            file=sys.stderr,
        )
    return 1 if found.differing else 0


def _show(found: LookedUp, history: str | None, days: frozenset[str]) -> None:
    """`days`: properties that hold whole days."""
    console = new_console()
    _tell_head(console, found)
    if history is not None:
        rows = [
            [
                _place(found, change),
                *(_text(value, day=history in days) for value in (change.before, change.after)),
                _by(found, change),
                *_origin(change)[1:],
            ]
            for change in found.trace.history(history)
        ]
        columns = [
            Column("file", whole=True),
            Column("before", 14),
            Column("after", 14),
            Column("by", 18),
            *_ORIGIN[1:],
        ]
        print_table(console, f"History of {history}", columns, rows)
        if not rows:
            say(console, f"nothing ever wrote {history}")
        return
    body = list(_property_rows(found, days))
    columns = [Column("property", 24), Column("value", 40), *_ORIGIN, Column("how", 14)]
    noted = any(row[-1] for row in body)
    print_table(console, "Properties", columns if noted else columns[:-1], [row[: 7 if noted else 6] for row in body])
    empty = sorted((name for name, value in found.known.properties.items() if value is None), key=str.lower)
    if empty:
        say(console, f"without a value: {', '.join(empty)}\n")
    _tell_rest(console, found)


def _tell_head(console: Console, found: LookedUp) -> None:
    known = found.known
    tell_source(console)
    if found.as_of:
        say(console, f"the warehouse is being written; this is the readers' copy of {_time(found.as_of)} UTC")
    say(console, f"profile {known.profile_id} ({known.domain_group})")
    if known.found_by:
        more = f"; {known.others} more that were made later hold the value too" if known.others else ""
        say(console, f"  found by {known.found_by}{more}")
    say(console, f"  created {_time(known.creation_date)} UTC by {known.created[0]} {known.created[1]}")
    earlier = known.last_modified_date < known.creation_date
    why = ", by a file that was seen before the one that created it, and counts after it" if earlier else ""
    say(console, f"  last modified {_time(known.last_modified_date)} UTC{why}")
    say(console, f"  imported by {', '.join(known.connections) or 'nobody'}")
    for maker, gone in known.replaced.items():
        merged = found.trace.merged.get(maker)
        by = f", merged by {merged[0].file} line {merged[0].line}" if merged else ""
        say(console, f"  was also {gone}, made by {maker[0]} {maker[1]}{by}")
    say(console, f"  {_leading(found.trace.rows)}\n")


def _leading(rows: int) -> str:
    return f"{counted(rows, 'row')} of files {'leads' if rows == 1 else 'lead'} to it"


def _property_rows(found: LookedUp, days: frozenset[str]) -> Iterator[list[str]]:
    for name, value in sorted(found.known.properties.items(), key=lambda item: item[0].lower()):
        if value is None:
            continue
        made = found.trace.standing(name)
        told: list[Change | None] = [*made[:MOST_OPERATIONS]] or [None]
        for number, change in enumerate(told):
            lead = [name, _text(value, day=name in days)] if not number else ["", ""]
            yield [*lead, *(_origin(change) if change else ["unknown", "", "", ""]), _note(found, change)]
        if len(made) > MOST_OPERATIONS:
            yield ["", "", f"… and {len(made) - MOST_OPERATIONS} earlier", "", "", "", f"--history {name}"]


def _origin(change: Change) -> list[str]:
    place = change.place
    return [place.file, str(place.line), _time(place.seen_at), place.batch_id[:8]]


def _place(found: LookedUp, change: Change) -> str:
    own = change.profile == found.known.created
    return change.place.file if own else f"{change.place.file}, for {change.profile[0]} {change.profile[1]}"


def _by(found: LookedUp, change: Change) -> str:
    return ", ".join(filter(None, (*change.by, _note(found, change))))


def _note(found: LookedUp, change: Change | None) -> str:
    """What is not usual about it."""
    told: list[str] = []
    if change is None:
        return ""
    if change.merged:
        told.append("merging")
    if change.profile != found.known.created:
        told.append(f"as {change.profile[0]} {change.profile[1]}")
    return ", ".join(told)


def _tell_rest(console: Console, found: LookedUp) -> None:
    known = found.known
    for table, listed in known.events.items():
        rows = [_event(found, table, listed.columns, row) for row in listed.rows]
        columns = [Column("date (UTC)"), Column("what it holds", 60), Column("file", whole=True)]
        title = f"{table.removeprefix('events_')} events, the latest"
        print_table(console, title, [*columns, Column("line", number=True)], rows, listed.total)
    groups = [[*row[:3], "not yet" if row[3] else "yes"] for row in known.groups]
    print_table(console, "Groups", [Column("type"), Column("group", 30), Column("property"), Column("known")], groups)
    segments = [[segment, _time(at)] for segment, at in known.segments]
    print_table(console, "Segments", [Column("segment"), Column("entered (UTC)")], segments)
    for table, listed in known.others_tables.items():
        _tell_table(console, TITLES.get(table, table.replace("_", " ").capitalize()), listed)
    print_history(console, found.trace)
    _tell_table(console, "Conflicts about identifiers", known.conflicts)


_FILLED_UP = re.compile(r"(\.\d\d\d*?)0+$")
"""The zeros with which a column of the table fills up its places, past the cents."""
_MADE = re.compile(r"[0-9a-f]{40}")
"""The id of an event whose file gives it none."""


def _event(found: LookedUp, table: str, columns: Sequence[str], row: Sequence[Any]) -> list[object]:
    """One event on as few lines as it takes, however many fields its type has: those that hold something."""
    told = dict(zip(columns[:-2], map(_text, row[:-2]), strict=True))
    items = {name: _items(held) for name, held in _items_of(found, table, columns, row).items()}
    date = told.pop("date")
    if told.get("bcStoreId") == told.get("product_store"):
        told.pop("bcStoreId", None)
    if list(told.values()).count(told["event_id"]) > 1 or _MADE.fullmatch(told["event_id"]):
        told.pop("event_id")
    held = {name: text for name, text in (told | items).items() if text not in {NOTHING, date}}
    facts = ", ".join(f"{name} {text}" for name, text in held.items())
    return [date, facts, found.files.get(row[-2], ""), found.lines.get((row[-2], row[-1]))]


def _items_of(
    found: LookedUp, table: str, columns: Sequence[str], row: Sequence[Any]
) -> dict[str, list[dict[str, Any]]]:
    """The items of one event, by the key of their nested field."""
    told = dict(zip(columns, row, strict=True))
    key = (told["event_id"], told["date"])
    return {name: items.get(key, []) for name, items in found.known.items.get(table, {}).items()}


def _items(items: Sequence[dict[str, Any]]) -> str:
    """The first items, each with its number and name; where it has neither, with all it holds."""
    told = [_item(item) for item in items[:MOST_ITEMS]]
    more = [f"… and {len(items) - MOST_ITEMS} more"] if len(items) > MOST_ITEMS else []
    return ", ".join([*told, *more]) or NOTHING


def _item(item: dict[str, Any]) -> str:
    name = item.get("name") or item.get("id")
    if name is None:
        return " ".join(_text(value) for value in item.values() if value is not None)
    number = item.get("quantity")
    return f"{number} x {name}" if number is not None else str(name)


def _tell_table(console: Console, title: str, listed: Listed) -> None:
    columns = [Column(name, 22) for name in listed.columns]
    print_table(console, title, columns, [list(map(_text, row)) for row in listed.rows], listed.total)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _text(value: Any, *, day: bool = False) -> str:
    """For people; of a whole `day` without a time."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return " | ".join(_text(item, day=day) for item in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if day else _time(value)
    return _FILLED_UP.sub(r"\1", str(value)) if isinstance(value, Decimal) else str(value)


def _as_json(found: LookedUp, history: str | None) -> dict[str, Any]:
    known = found.known
    told: dict[str, Any] = {
        "profile_id": known.profile_id,
        "domain_group": known.domain_group,
        "as_of": found.as_of,
        "creation_date": known.creation_date,
        "last_modified_date": known.last_modified_date,
        "created_by": dict(zip(("property", "value", "number"), known.created, strict=True)),
        "identifiers": [{"property": name, "value": value} for name, value in known.identifiers],
        "replaces": list(known.replaced.values()),
        "connections": known.connections,
        "rows": found.trace.rows,
        "agrees": not found.differing,
    }
    if history is not None:
        return told | {"property": history, "history": _changes(found.trace.history(history))}
    return told | {
        "properties": {
            name: {"value": value, "from": _changes(found.trace.standing(name))}
            for name, value in sorted(known.properties.items())
        },
        "events": {
            table: [
                {**event, "line": found.lines.get((row[-2], row[-1])), **_items_of(found, table, listed.columns, row)}
                for event, row in zip(_objects(listed), listed.rows, strict=True)
            ]
            for table, listed in known.events.items()
        },
        "groups": _objects(Listed(("type", "group_id", "property", "is_dangling"), known.groups, 0)),
        "segments": _objects(Listed(("segment", "entered_at"), known.segments, 0)),
        "consent": known.consent,
        "consent_history": history_as_json(found.trace),
        **{table: _objects(listed) for table, listed in known.others_tables.items()},
        "conflicts": _objects(known.conflicts),
    }


def _changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [
        asdict(change.place)
        | {
            "before": change.before,
            "after": change.after,
            "by": change.by,
            "profile_created_by": change.profile[:2],
            "merging": bool(change.merged),
        }
        for change in changes
    ]


def _objects(listed: Listed) -> list[dict[str, Any]]:
    return [dict(zip(listed.columns, row, strict=True)) for row in listed.rows]
