"""The files of a defs folder as values with line numbers; nothing here knows what the values mean.

Values are those Dagster's own loader gives (dates stay text), so `check` and Dagster never disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cdp_assets.components.yaml_mistakes import yaml_mistake
from cdp_assets.config.known import Location
from cdp_assets.errors import Problem

Lines = Mapping[Location, int]
"""Path inside a document → 1-based line; of a mapping's entry it is the line of the key."""

FILE_NAMES = ("defs.yaml", "defs.yml", "component.yaml")
"""Dagster reads the first of these in a folder, and nothing below it unless it is a folder component."""

_FOLDER_COMPONENT = "DefsFolderComponent"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML declares it without ClassVar
        sign: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP_TAG]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Document:
    """One YAML document: a component as it was written."""

    shown: str
    """The file, as the user would name it."""
    value: Any
    lines: Lines


def shown_path(path: Path) -> str:
    """The path relative to the working directory where that is possible."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def line_of(lines: Lines, location: Location) -> int:
    """The line of a place, or of the nearest thing around it; 0 where nothing is known."""
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location, 0)


def read_documents(defs_folder: Path) -> tuple[list[Document], list[Problem]]:
    """Every document below the folder that Dagster would read, and what is wrong with the files as YAML."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in sorted(_candidates(defs_folder)):
        hidden_by = _hidden_by(path, defs_folder)
        if hidden_by is not None:
            message = f"is never read: {shown_path(hidden_by)} is read instead; move it to a folder of its own"
            problems.append(Problem(shown_path(path), 0, message))
            continue
        found, wrong = read_file(path)
        documents += found
        problems += wrong
    return documents, problems


def read_file(path: Path) -> tuple[list[Document], list[Problem]]:
    """The documents of one file, up to the first that is no YAML."""
    shown = shown_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return [], [Problem(shown, 0, f"cannot be read: {reason}")]
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        for value, lines, twice in _parsed(text):
            documents.append(Document(shown, value, lines))
            problems += [Problem(shown, line, message) for line, message in twice]
    except yaml.YAMLError as error:
        problems.append(Problem(shown, *yaml_mistake(error, text)))
    except RecursionError:
        problems.append(Problem(shown, 0, "is nested too deep, or an alias (*name) stands inside itself"))
    if not documents and not problems:
        problems.append(Problem(shown, 0, "is empty; give `type:` and `attributes:`"))
    return documents, problems


def _candidates(defs_folder: Path) -> Iterator[Path]:
    for path in defs_folder.rglob("*"):
        inside = path.relative_to(defs_folder).parts
        if path.name in FILE_NAMES and not any(part.startswith(".") or part == "__pycache__" for part in inside):
            yield path


def _hidden_by(path: Path, defs_folder: Path) -> Path | None:
    """The file because of which Dagster never looks at this one."""
    first = _read_in(path.parent)
    if first != path:
        return first
    for folder in path.parents[1:]:
        if not folder.is_relative_to(defs_folder):
            return None
        above = _read_in(folder)
        if above is not None and _FOLDER_COMPONENT not in above.read_text(encoding="utf-8", errors="replace"):
            return above
    return None


def _read_in(folder: Path) -> Path | None:
    return next((folder / name for name in FILE_NAMES if (folder / name).exists()), None)


def _parsed(text: str) -> Iterator[tuple[Any, Lines, list[tuple[int, str]]]]:
    loader = _Loader(text)
    try:
        while loader.check_node() and (node := loader.get_node()) is not None:
            lines: dict[Location, int] = {}
            twice: list[tuple[int, str]] = []
            _note_lines(loader, node, (), lines, twice)
            lines[()] = node.start_mark.line + 1
            yield loader.construct_document(node), lines, twice
    finally:
        loader.dispose()


def _note_lines(
    loader: _Loader, node: yaml.Node, at: Location, lines: dict[Location, int], twice: list[tuple[int, str]]
) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _note_lines(loader, item, (*at, index), lines, twice)
    elif isinstance(node, yaml.MappingNode):
        own: set[Location] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _MERGE_TAG:
                continue
            place = (*at, loader.construct_object(key_node))
            line = key_node.start_mark.line + 1
            if place in own:
                twice.append((line, f"key {place[-1]!r} stands here twice; first on line {lines[place]}; keep one"))
            own.add(place)
            lines[place] = line
            _note_lines(loader, value_node, place, lines, twice)
