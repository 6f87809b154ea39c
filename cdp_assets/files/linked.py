"""Which linked files belong to a root file: the wildcard value rule of spec.md 3.2. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cdp_assets.config.files import Files
from cdp_assets.config.linked import LinkedFile
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import DONE, captured_values, matches_wildcard, never_taken, why_not, with_values


class LinkedFileMissingError(FileError):
    """A linked file is not there (yet): the set waits for it for a while."""


def find_linked(files: Files, root: str, names: Collection[str], done: Collection[str] = ()) -> dict[str, str]:
    """Alias → name of every file linked to a root file, among the names of its directory.

    `done`: names of files that were imported and renamed, as they were before: one that would fit is told of.

    A pattern's wildcards are filled with the root's values first; where that names no file, the one file
    that fits the pattern and contains every value is taken.

    Raises:
        LinkedFileMissingError: nobody yet, then the supplier: a linked file is not there.
        FileError: the supplier or the YAML author must act: several files fit, or it is the root itself.
    """
    values = captured_values(files, root)
    found: dict[str, str] = {}
    for linked in files.linked:
        name = _find(linked, root, values, names, done)
        if name == root:
            message = f"The root file cannot have the same filename as the files linked to it: {shown(root)}"
            raise FileError(message)
        found[linked.name] = name
    return found


def linked_to_done(files: Files, names: Collection[str]) -> dict[str, str]:
    """Linked file that is there → its root file, which was renamed to `.done` and did not come again.

    Of the linked files only those with the root's value in the very place of their wildcard.
    """
    there = {name.removesuffix(DONE) for name in names if name.endswith(DONE)}.difference(names)
    found: dict[str, str] = {}
    for root in sorted(name for name in there if why_not(files, name) is None):
        values = captured_values(files, root)
        for linked in files.linked:
            name = with_values(linked.file, values)
            if name is not None and not linked.static and name in names and all(value in name for value in values):
                found[name] = root
    return found


def _find(linked: LinkedFile, root: str, values: Sequence[str], names: Collection[str], done: Collection[str]) -> str:
    has_wildcard = any(sign in linked.file for sign in "*?")
    if not has_wildcard:
        return _exact(linked, root, values, names)
    filled = None if linked.static else with_values(linked.file, values)
    if filled is not None and filled in names:
        return filled
    wanted = () if linked.static else values
    fitting = sorted(
        name
        for name in names
        if name != root
        and never_taken(name) is None
        and matches_wildcard(linked.file, name)
        and all(value in name for value in wanted)
    )
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        again = _done_before(linked, wanted, done)
        raise LinkedFileMissingError(f"{_missing(linked, root, values)}{again}")
    shown_names = ", ".join(shown(name) for name in fitting[:5])
    message = f'Several linked files match "{linked.file}" for {shown(root)}: {shown_names}'
    raise FileError(message)


def _exact(linked: LinkedFile, root: str, values: Sequence[str], names: Collection[str]) -> str:
    """A name without wildcards: it must hold the root's value, or be declared static."""
    if not linked.static and not all(value in linked.file for value in values):
        message = (
            f'The linked file "{linked.file}" does not contain the wildcard value "{"_".join(values)}" of'
            f" {shown(root)}; give it a wildcard, or static: true if it is the same for every root file"
        )
        raise FileError(message)
    if linked.file not in names:
        raise LinkedFileMissingError(_missing(linked, root, values))
    return linked.file


def _done_before(linked: LinkedFile, values: Sequence[str], names: Collection[str]) -> str:
    """What to say of a file that would fit and is `.done`: it came with an earlier version of the root file."""
    fitting = [name for name in names if matches_wildcard(linked.file, name) and all(value in name for value in values)]
    if len(fitting) != 1:
        return ""
    return f"; {shown(fitting[0])} was imported before: send it again too, unchanged or not"


def _missing(linked: LinkedFile, root: str, values: Sequence[str]) -> str:
    if not values:
        return f'No linked file "{linked.file}" (root file {shown(root)})'
    value = "_".join(values)
    return f'No linked file for "{linked.file}" with wildcard value "{value}" (root file {shown(root)})'
