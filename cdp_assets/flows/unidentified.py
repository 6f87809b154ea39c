"""Rows in which nothing finds a person: what to say of them, so that none is left out without a word. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown

MANY = 0.1
"""Share of a goal's rows from which on they are warned of, also where nothing is known to find their people."""


def unidentified(
    config: BatchConfig,
    files: Sequence[str],
    rows: int,
    received: int,
    others: Mapping[tuple[str, str], int],
    *,
    imported: bool,
) -> tuple[str, bool]:
    """What to say of a goal's rows without a value in any identifier column, and whether to warn of it.

    Args:
        config: the goal, as its latest file was landed.
        files: names of the files with such rows.
        rows: how many of their rows have none.
        received: rows of all files of the goal.
        others: columns and properties that could find them, each with how many of the rows have a value there.
        imported: whether it has happened, or would.
    """
    goal = config.goal
    # Of a drop folder each cell is read by several rules; there is no column that is called as they are.
    names = [one.property if goal.drop is not None else one.column for one in goal.identifier_columns]
    columns = list(dict.fromkeys(map(shown, names)))
    which = shown(files[0]) if len(files) == 1 else f"{counted(len(files), 'file')} of {goal.name}"
    have = "row has" if rows == 1 else "rows have"
    # Not only empty ones: an e-mail that is none, or a value that is blocked, finds nobody either.
    none = f"no usable {' or '.join([', '.join(columns[:-1]), columns[-1]]) if len(columns) > 1 else columns[0]}"
    was = "was" if rows == 1 else "were"
    told = f"{which}: {rows:,} {have} {none}, and {f'{was} left out' if imported else 'would be left out'}"
    (column, prop), number = max(others.items(), key=lambda item: item[1], default=(("", ""), 0))
    if not number:
        return told, rows >= MANY * received
    anew = f", then `python -m cdp_assets reland {config.connection} {goal.name}`" if imported else ""
    entry = f"{{column: {column}, property: {prop}}}"
    them = "them" if number == rows else f"{number:,} of them"
    shared = "if no two people share one, as by it they would become one"
    return f"{told}. {shown(column)} could find {them}, {shared}: put {entry} last into its identifiers{anew}", True
