"""Adds entries to lists in the YAML of a defs folder; every other sign of the files stays as it is.

Text is inserted, never dumped anew, so comments, order, quotes and line ends survive. What comes out is read and
checked as a whole before it stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cdp_assets.components.loading import load_deployment
from cdp_assets.components.yaml_files import Document, read_documents
from cdp_assets.config.model import Deployment
from cdp_assets.errors import ConfigError, LocalDiskError

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Addition:
    """Entries that go to the end of one list."""

    component: str
    """Last part of the component's type, such as `SftpConnection`."""
    name: str
    """Its name; empty = it has none, as there is only one."""
    path: tuple[str | tuple[str, str], ...]
    """Keys below `attributes`; a pair takes the entry of a list whose key has that value."""
    entries: Sequence[Entry]


def as_yaml(entry: Entry) -> str:
    """One entry on one line: `{column: City, property: city}`."""
    text: str = yaml.safe_dump(
        dict(entry), default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text.strip()


def add_entries(folder: Path, additions: Sequence[Addition], expected: Deployment) -> list[Path]:
    """Adds the entries, checks the folder as `check` does, and gives the files that changed.

    `expected` is what the folder must then describe: entries of a list that is used twice would change more.

    Raises:
        ConfigError: the author of the YAML must act: a list is written in a way that cannot be added to, or the
            check finds problems; all files are as they were.
        LocalDiskError: a file cannot be written.
    """
    wanted = [addition for addition in additions if addition.entries]
    with _restored_on_failure() as written:
        for addition in wanted:
            document = _document(folder, addition)
            path = Path(document.shown)
            text = _read(path)
            written.setdefault(path, text)
            _write(path, _added(text, document, addition))
        if load_deployment(folder) != expected:
            raise ConfigError("adding to the YAML would change more than this goal (an anchor?); add to it by hand")
    return list(written)


@contextmanager
def _restored_on_failure() -> Iterator[dict[Path, str]]:
    before: dict[Path, str] = {}
    try:
        yield before
    except BaseException:
        for path, text in before.items():
            _write(path, text)
        raise


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as error:
        raise LocalDiskError(f"could not read {path}: {error.strerror or error}") from error


def _write(path: Path, text: str) -> None:
    """In place, so that rights and links of the file stay."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise LocalDiskError(f"could not write {path}: {error.strerror or error}") from error


def _document(folder: Path, addition: Addition) -> Document:
    documents, problems = read_documents(folder)
    if problems:
        raise ConfigError(problems)
    for document in documents:
        value = document.value if isinstance(document.value, dict) else {}
        attributes = value.get("attributes")
        named = not addition.name or (isinstance(attributes, dict) and attributes.get("name") == addition.name)
        if str(value.get("type", "")).endswith(f".{addition.component}") and named:
            return document
    raise ConfigError(
        f"no {addition.component} {addition.name} stands in the YAML under that very name".replace("  ", " ")
    )


def _added(text: str, document: Document, addition: Addition) -> str:
    where = f"{document.shown}: {'/'.join(str(part) for part in addition.path)}"
    roots = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    root = next(node for node in roots if node.start_mark.line + 1 == document.lines[()])
    node = _entered(root, "attributes", where)
    for part in addition.path:
        node = _entered(node, part, where)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise _by_hand(where)
    last = node.value[-1]
    if not node.start_mark.index <= last.start_mark.index < node.end_mark.index:
        raise _by_hand(where)
    return _in_flow(text, node, addition) if node.flow_style else _in_block(text, node, addition)


def _entered(node: yaml.Node, part: str | tuple[str, str], where: str) -> yaml.Node:
    """The node of a key, or the entry of a list that a pair names, where it is written in that very place."""
    inside: list[yaml.Node] = []
    if isinstance(part, tuple) and isinstance(node, yaml.SequenceNode):
        inside = [item for item in node.value if dict(_scalars(item)).get(part[0]) == part[1]]
    elif isinstance(node, yaml.MappingNode):
        inside = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == part]
    for found in inside:
        if _is_inside(found, node):
            return found
    raise _by_hand(where)


def _scalars(node: yaml.Node) -> Iterator[tuple[str, str]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
            yield key.value, value.value


def _is_inside(node: yaml.Node, outer: yaml.Node) -> bool:
    """Whether it is written here; what an alias or a merge key brings in stands elsewhere, for others too."""
    return bool(outer.start_mark.index <= node.start_mark.index and node.end_mark.index <= outer.end_mark.index)


def _by_hand(where: str) -> ConfigError:
    return ConfigError(f"{where}: this list is not written out in its place (an alias, a template?); add to it by hand")


def _in_block(text: str, node: yaml.SequenceNode, addition: Addition) -> str:
    """New lines behind the last entry, and behind the comment on its last line."""
    newline = "\r\n" if "\r\n" in text else "\n"
    # The mark of a block's end stands before what follows it, comments skipped.
    end = text.find("\n", _end_of(node))
    head, tail = (text, "") if end < 0 else (text[: end + 1], text[end + 1 :])
    if not head.endswith("\n"):
        head += newline
    first = node.value[0].start_mark
    # An anchor or a tag may stand in front of the list, on the line above.
    column = text.rfind("-", first.index - first.column, first.index) - (first.index - first.column)
    if column < 0:
        raise _by_hand("/".join(str(part) for part in addition.path))
    indent = " " * column
    lines = [f"{indent}- {as_yaml(entry)}{newline}" for entry in addition.entries]
    return head + "".join(lines) + tail


def _in_flow(text: str, node: yaml.SequenceNode, addition: Addition) -> str:
    """Behind the last entry inside the brackets, one a line."""
    newline = "\r\n" if "\r\n" in text else "\n"
    at = node.value[-1].end_mark.index
    indent = " " * (node.start_mark.column + 1)
    added = "".join(f",{newline}{indent}{as_yaml(entry)}" for entry in addition.entries)
    return text[:at] + added + text[at:]


def _end_of(node: yaml.Node) -> int:
    """Where the last sign of a node stands, whatever follows it."""
    if isinstance(node, yaml.ScalarNode):
        return int(node.end_mark.index) - (node.style in {"|", ">"})
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end_of(last[1] if isinstance(last, tuple) else last)
