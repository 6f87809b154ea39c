"""Every key of the YAML, told from the config models: kind of value, default, meaning.

Nothing here is written twice: a key's meaning is the text below its field, which editors show too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cdp_assets.components.reading import COMPONENT_NAMES
from cdp_assets.counted import counted

Node = Mapping[str, Any]
PATTERNS: Mapping[str, str] = {
    r"^(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$": "an e-mail address, or `team:` and a name",
    r"^[A-Za-z0-9_.-]{1,63}$": "letters, digits, `_`, `-` and `.`, at most 63",
    "^[a-z][a-z0-9_]*$": "a small letter, then small letters, digits, `_`",
    "^[A-Za-z][A-Za-z0-9_-]*$": "a letter, then letters, digits, `-`, `_`",
    "^[A-Za-z_][A-Za-z0-9_]*$": "a letter or `_`, then letters, digits, `_`",
    "^[A-Za-z0-9_-]+$": "letters, digits, `-`, `_`",
    '^[^"]+$': 'no `"`',
    "^[A-Za-z0-9_]+$": "letters, digits, `_`",
    "^[A-Z]{3}$": "three capitals",
    r"^([01]\d|2[0-3]):[0-5]\d$": "`HH:MM`",
    r"^\d+(\.\d+)? ?%$": "a share such as `5 %`",
    r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$": "`package.module:function`",
}
"""What the patterns of texts mean in words."""
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
_SIGNS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
_INTRODUCTION = """\
# Reference

Every key of the three components, made from the code itself. `python -m cdp_assets reference WORD` shows the keys and
parts with that word in a terminal. A key without a default must be given; *—* means nothing is there unless it is
given. In place of a plain value a template may stand: `{{ env('NAME', 'default') }}`.
"""


@dataclass(frozen=True)
class Key:
    """One key of a part."""

    name: str
    kind: str
    """Which values it takes; in Markdown."""
    default: str
    """Empty = it must be given."""
    meaning: str


@dataclass(frozen=True)
class Part:
    """One mapping of the YAML with its keys."""

    name: str
    meaning: str
    keys: tuple[Key, ...]


def reference() -> Mapping[str, tuple[Part, ...]]:
    """The parts of each component, the component itself first; a part that several have stands with the first."""
    found: dict[str, tuple[Part, ...]] = {}
    known: set[str] = set()
    for model, component in COMPONENT_NAMES.items():
        schema = _schema(model, component)
        found[component] = tuple(_parts(schema, component, known))
    return found


def reference_page() -> str:
    """The whole reference as Markdown."""
    lines = [_INTRODUCTION]
    for component, parts in reference().items():
        lines += [f"## {component}", ""]
        for part in parts:
            lines += [] if part.name == component else [f"### {part.name}", ""]
            lines += [part.meaning, "", "| key | value | default | meaning |", "|---|---|---|---|"]
            lines += [_row(key) for key in part.keys]
            lines.append("")
    return "\n".join(lines)


def find_keys(word: str) -> list[tuple[Part, tuple[Key, ...]]]:
    """The keys of that name, and the parts of that name with all their keys; case does not count.

    With dots, as in `format.encoding`, what stands before a dot is a key or a part that has what stands behind it.
    """
    *owners, wanted = word.lower().split(".")
    types = {part.name.lower() for found in reference().values() for part in found}
    if f"{wanted.replace('_', '')}goal" in types:
        # As `type` of a goal says it: import_groups is ImportGroupsGoal.
        wanted = f"{wanted.replace('_', '')}goal"
    parts = [part for found in reference().values() for part in found]
    for owner in owners:
        below = {
            one.name for part in parts for key in part.keys if key.name.lower() == owner for one in parts_below(key)
        }
        named = {part.name for found in reference().values() for part in found if part.name.lower() == owner}
        parts = [part for found in reference().values() for part in found if part.name in below | named]
    named_keys = [
        (
            part,
            tuple(
                key for key in part.keys if key.name.lower() == wanted or (part.name.lower() == wanted and not owners)
            ),
        )
        for part in parts
    ]
    return [(part, keys) for part, keys in named_keys if keys]


def parts_below(key: Key) -> list[Part]:
    """The parts that its values are made of."""
    names = re.findall(r"\[([^\]]+)\]\(#", key.kind)
    return [part for found in reference().values() for part in found if part.name in names]


def _row(key: Key) -> str:
    cells = (f"`{key.name}`", key.kind, key.default or "**required**", key.meaning)
    # A sign that parts the cells of a table must not stand in one, not even in code.
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _schema(model: type[BaseModel], component: str) -> dict[str, Node]:
    """The definitions by name, the component's own first."""
    schema = model.model_json_schema()
    definitions: dict[str, Node] = schema.pop("$defs", {})
    return {component: schema, **definitions}


def _parts(definitions: Mapping[str, Node], root: str, known: set[str]) -> Iterator[Part]:
    """The part and those it leads to, in the order in which a reader meets them."""
    node = definitions[root]
    if root in known or "properties" not in node:
        return
    known.add(root)
    shown = {key: field for key, field in node["properties"].items() if not field.get("internal")}
    required = set(node.get("required", ()))
    keys = tuple(_key(name, field, definitions, name in required) for name, field in shown.items())
    yield Part(_title(root), " ".join(node.get("description", "").split()), keys)
    for reference in (name for field in shown.values() for name in _references(field)):
        yield from _parts(definitions, reference, known)


def _key(name: str, field: Node, definitions: Mapping[str, Node], required: bool) -> Key:
    meaning = field.get("description", "")
    if not meaning:
        # A key that is a part of its own is told by that part.
        named = [definitions[one].get("description", "") for one in _references(field)]
        meaning = named[0] if len(named) == 1 else ""
    return Key(name, _kind(field, definitions), "" if required else _default(field.get("default")), meaning)


def _references(field: Any) -> Iterator[str]:
    if isinstance(field, dict):
        if "$ref" in field:
            yield str(field["$ref"]).rsplit("/", 1)[-1]
        for key, value in field.items():
            if key not in {"discriminator", "default"}:
                yield from _references(value)
    elif isinstance(field, list):
        for item in field:
            yield from _references(item)


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, dict):
        return "its own defaults"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _kind(field: Node, definitions: Mapping[str, Node]) -> str:
    """The values a field takes, in words and with links to the parts it is made of."""
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        node = definitions[name]
        return _link(name) if "properties" in node else _kind(node, definitions)
    if "const" in field:
        return f"`{json.dumps(field['const']) if field['const'] is True else field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    choices = [one for one in field.get("oneOf", field.get("anyOf", ())) if one.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(_kind(one, definitions) for one in choices))
    if field.get("type") == "array":
        least = field.get("minItems", 0)
        return f"list of {_kind(field['items'], definitions)}{f', {least} or more' if least > 1 else ''}"
    if field.get("type") == "object":
        return _mapping(field, definitions)
    return ", ".join([_WORDS[field["type"]], *_limits(field)]) if field.get("type") in _WORDS else "any value"


def _mapping(field: Node, definitions: Mapping[str, Node]) -> str:
    if field.get("maxProperties") == 0:
        return "`{}`"
    values = field.get("additionalProperties")
    return f"mapping of text to {_kind(values, definitions)}" if isinstance(values, dict) else "mapping"


def _limits(field: Node) -> Iterator[str]:
    """How a text or a number is limited."""
    if field.get("format") in {"date-time", "path"}:
        yield {"date-time": "a date, or a date and time", "path": "a path"}[field["format"]]
    bounds = [f"{word} {field[sign]:,.15g}" for sign, word in _SIGNS.items() if sign in field]
    if bounds:
        yield " ".join(bounds)
    if "pattern" in field:
        yield PATTERNS.get(field["pattern"], f"like `{field['pattern']}`")
    if "maxLength" in field:
        yield f"at most {counted(field['maxLength'], 'character')}"


def _link(name: str) -> str:
    return f"[{_title(name)}](#{re.sub(r'[^a-z0-9_ -]', '', _title(name).lower()).replace(' ', '-')})"


def _title(name: str) -> str:
    """The name of a part; two models of one name are told apart by their modules."""
    module, _, last = name.rpartition("__")
    return f"{last} ({module.rpartition('__')[2].replace('_', ' ')})" if module else name
