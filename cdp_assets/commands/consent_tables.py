"""What a profile says of consent, and how that came about, for a person at a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from cdp_assets.commands.tables import NOTHING, Column, print_table
from cdp_assets.flows.consent_history import ConsentChanged, PermissionLevelChanged, consent_history
from cdp_assets.flows.trace_profile import Trace

_COLUMNS = [
    Column("event"),
    Column("before", 26),
    Column("after", 26),
    Column("by", 22),
    Column("file", whole=True),
    Column("line", number=True),
    Column("seen (UTC)"),
]


def print_history(console: Console, trace: Trace) -> None:
    """Every change of consent, in order; nothing where there never was one."""
    rows = [
        [
            type(event).__name__,
            *_sides(event),
            event.message,
            event.place.file,
            event.place.line,
            f"{event.place.seen_at:%Y-%m-%d %H:%M}",
        ]
        for event in consent_history(trace)
    ]
    print_table(console, "Consent", _COLUMNS, rows)


def _sides(event: ConsentChanged | PermissionLevelChanged) -> list[str]:
    if isinstance(event, PermissionLevelChanged):
        return [event.from_level, event.to_level]
    return [
        _told(event.from_legislation, event.from_consented, event.from_refused),
        _told(event.to_legislation, event.to_consented, event.to_refused),
    ]


def _told(zone: str, consented: Sequence[str], refused: Sequence[str]) -> str:
    return f"{zone} +{' '.join(consented) or NOTHING} -{' '.join(refused) or NOTHING}"


def history_as_json(trace: Trace) -> list[dict[str, Any]]:
    """The same as objects."""
    listed = []
    for event in consent_history(trace):
        told = asdict(event)
        listed.append({"event": type(event).__name__} | told.pop("place") | told)
    return listed
