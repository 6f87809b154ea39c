"""Linked files: what further files hold about the rows of a root file, and how they are joined (spec.md 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import Field, field_validator

from cdp_assets.config.base import Name, Strict
from cdp_assets.config.processors import Processor


class LinkedFile(Strict):
    """A file that holds more about the rows of another, found and joined for each root file."""

    name: Name
    """Its alias: mappings name its columns `<alias>.<column>`."""
    file: str = Field(min_length=1)
    """File name, exact or with wildcards; the root's wildcard values stand for the wildcards."""
    parent: Name | None = None
    """Alias of the linked file it belongs to; left out = the root file."""
    parent_column: str = Field(min_length=1)
    """Column of the parent whose value its rows name."""
    column: str = Field(min_length=1)
    """Its own column that holds the parent's value. Equal texts join; an empty one never does."""
    static: bool = False
    """A look-up file that stays: the same for every root file, never renamed, and no new version if it changes."""
    processors: tuple[Processor, ...] = ()
    """Change or drop its own rows; the columns that join are read as they stand in the files."""

    @field_validator("file")
    @classmethod
    def _file_is_a_name(cls, value: str) -> str:
        if "/" in value:
            message = "file is a file name without a folder: linked files stand beside the root file"
            raise ValueError(message)
        return value


def linked_problem(linked: Sequence[LinkedFile], root: str) -> str:
    """What is wrong between the links of a goal; empty = nothing. A parent is listed before its children."""
    names: list[str] = []
    for link in linked:
        if link.name in names:
            return f"two linked files are called {link.name!r}; give each its own name"
        if link.parent is not None and link.parent not in names:
            known = ", ".join(names) or "(none)"
            return f"linked file {link.name!r}: its parent {link.parent!r} is not listed before it; listed are: {known}"
        if link.file == root:
            return f"The root file cannot have the same filename as the files linked to it: {root}"
        names.append(link.name)
    return ""


def linked_column(linked: Sequence[LinkedFile], column: str) -> tuple[LinkedFile, str] | None:
    """The linked file and its column that `<alias>.<column>` names; None for a column of the root file."""
    alias, dot, name = column.partition(".")
    found = next((link for link in linked if link.name == alias), None)
    return (found, name) if found is not None and dot and name else None


def misspelt_alias(linked: Sequence[LinkedFile], column: str) -> str:
    """Why a column of the root file is more likely one of a linked file whose alias is misspelt; empty = it is not."""
    alias, dot, name = column.partition(".")
    names = [link.name for link in linked]
    near = get_close_matches(alias, names, n=1, cutoff=0.75) if dot and name and alias not in names else []
    return f"no linked file is called {alias!r}; did you mean '{near[0]}.{name}'?" if near else ""
