"""Whoever looks for a person by what identifies nobody is told who has it, and what finds them."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.counted import counted
from cdp_assets.flows.trace_profile import OWN
from cdp_assets.sql import looking
from cdp_assets.warehouse import Database

_FEW = 3
"""Profiles whose identifiers are told."""


def held_elsewhere(database: Database, value: str, *, named: bool = True) -> str:
    """Which profiles have a value in a property by which none are found, as a sentence; empty = nobody has it.

    `named`: whether the first identifier of a few is told, for people who look them up.
    """
    identifying = {name for (name,) in database.rows(looking.IDENTIFYING)}
    texts = [
        (name, several)
        for name, several in database.rows(looking.TEXT_PROPERTIES)
        if name not in identifying and name not in OWN
    ]
    told = []
    for name, several in texts:
        found = [str(one) for (one,) in database.rows(looking.having(name, several=several), [value.strip()])]
        if found:
            have = "profile has" if len(found) == 1 else "profiles have"
            told.append(f"{len(found)} {have} it in {name}, which finds nobody")
            told[-1] += f": look for {_named(database, found)}" if named else ""
    return "; ".join([*told, *_made_by(database, value.strip(), named=named)])


def _made_by(database: Database, value: str, *, named: bool) -> Iterator[str]:
    """Of the profiles that a value made, themselves or one they merged with, and that no longer have it."""
    makers: dict[str, list[str]] = {}
    for name, profile_id in database.rows(looking.MADE_BY, [value, value]):
        makers.setdefault(name, []).append(str(profile_id))
    for name, found in makers.items():
        come = "profile comes" if len(found) == 1 else "profiles come"
        whose = f"of {name} {value}, which no longer finds" if named else f"of it as {name}, which no longer finds"
        yield f"{len(found)} {come} {whose} anybody" + (f": look for {_named(database, found)}" if named else "")


def _named(database: Database, profiles: list[str]) -> str:
    named = []
    for one in profiles[:_FEW]:
        ids = database.rows(looking.IDENTIFIERS, [one])
        named.append(" ".join(ids[0]) if ids else f"profile id {one}")
    more = f" and {counted(len(profiles) - _FEW, 'more', 'more')}" if len(profiles) > _FEW else ""
    return f"{', '.join(named)}{more}"
