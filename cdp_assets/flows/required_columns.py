"""Columns without which a file is refused, and which of its own were meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from cdp_assets.config.events import INTERACTIONS
from cdp_assets.config.linked import linked_column
from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown
from cdp_assets.sql.identifiers import missing_identifiers

_ALIKE = 0.75
"""From 0 to 1, how much of two names must be the same for one to be meant by the other."""
_DATA = re.compile(r"@|\d{3}")


def require_identifier(config: BatchConfig, columns: Collection[str]) -> None:
    """Refuses a file in which nothing finds a profile, or tells the events apart that it brings.

    With made-up ids, events that are there already would come in a second time.

    Raises:
        FileError: the supplier must act, or the YAML author: the file lacks the column.
    """
    missing = missing_identifiers(config, columns) or _missing_event_ids(config, columns)
    if missing:
        has = ", ".join(shown_names(list(columns)[:50]))
        named = ", ".join(f'"{column}"' for column in missing)
        hint = other_separator(columns, config.goal.format.separator)
        hint = hint or did_you_mean(nearly_called(missing, [one for one in columns if not _DATA.search(one)]))
        raise FileError(f"Column {named} not found; the file has: {has}{hint}")


def _missing_event_ids(config: BatchConfig, columns: Collection[str]) -> list[str]:
    """Columns of the root file with the ids of events that it lacks."""
    links = config.goal.files.linked
    # Without a date the rows bring no events.
    events = [one for one in config.goal.events if one.date in columns and one.type != INTERACTIONS]
    named = [one.id for one in events if one.id is not None]
    return [column for column in dict.fromkeys(named) if linked_column(links, column) is None and column not in columns]


def nearly_called(names: Iterable[str], columns: Iterable[str]) -> list[str]:
    """Those columns that are called nearly like one of the names: other case, words in another order, a slip."""
    lowered = {column.lower(): column for column in columns}
    by_words = {_words(column): column for column in lowered.values()}
    found = []
    for name in names:
        same = by_words.get(_words(name))
        near = [same] if same else [lowered[one] for one in get_close_matches(name.lower(), lowered, 1, _ALIKE)]
        found += near
    return list(dict.fromkeys(found))


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(re.findall(r"[^\W_]+", name.lower())))


def did_you_mean(meant: Sequence[str]) -> str:
    """The hint at the end of a message; empty where nothing is alike."""
    return f"; did you mean {' or '.join(map(shown, meant[:3]))}?" if meant else ""


def shown_names(columns: Sequence[str]) -> list[str]:
    """The columns for a message. A file without a header has data in their place: what looks so is left out."""
    return ["(not a name)" if _DATA.search(name) else name for name in columns]


def other_separator(columns: Collection[str], separator: str) -> str:
    """A hint where all names of a header came as one, with another separator between them; else empty."""
    if len(columns) != 1:
        return ""
    (name,) = columns
    other = max((sign for sign in (",", ";", "\t", "|") if sign != separator), key=name.count)
    if other not in name:
        return ""
    return f"; it has {other!r} between its names, but format.separator is {separator!r}"
