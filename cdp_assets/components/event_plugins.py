"""Event types as plugin files in XML (spec.md 8.2), read into what the YAML would say.

Document type definitions and entities are refused: a type needs none, and they can make a small file huge or read
other files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from pydantic import ValidationError

from cdp_assets.config.events import EventType, FieldType
from cdp_assets.config.known import listed, nearest_first
from cdp_assets.errors import Problem

PLUGIN_TYPE = "timelineeventtype"
MAX_BYTES = 1_000_000
_ID = re.compile(r"[A-Za-z0-9_-]+")
_TYPES = {kind.upper(): str(kind) for kind in FieldType}
_TRUTH = {"true": True, "false": False}
_PROPERTY = frozenset({"id", "type", "multiple", "nested", "identifier", "sensitivity"})
_SHELL = frozenset({"id", "version", "type", "name", "description", "frontend", "backend", PLUGIN_TYPE})


class _WrongError(Exception):
    """What is wrong, and on which line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass
class _Element:
    tag: str
    attributes: Mapping[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> list[_Element]:
        return [child for child in self.children if child.tag == tag]

    def label(self, tag: str) -> str:
        """The text of the first label in the first element of that name."""
        labels = [label for child in self.all(tag)[:1] for label in child.all("label")]
        return labels[0].text.strip() if labels else ""


def read_event_plugin(path: Path, shown: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The event type of a plugin file as the YAML would say it, and what is wrong with the file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None, [Problem(shown, 0, f"a plugin file has at most {MAX_BYTES:,} bytes")]
        root = _parsed(path.read_bytes())
        told = _event_type(root)
        try:
            EventType.model_validate(told)
        except ValidationError as error:
            message = str(error.errors(include_url=False, include_input=False)[0]["msg"]).removeprefix("Value error, ")
            raise _WrongError(_declared(root).line, message) from error
    except OSError as error:
        return None, [Problem(shown, 0, f"this file cannot be read: {error.strerror}")]
    except _WrongError as error:
        return None, [Problem(shown, error.line, error.message)]
    return told, []


def _parsed(content: bytes) -> _Element:
    parser = expat.ParserCreate()
    open_elements: list[_Element] = []
    roots: list[_Element] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        element = _Element(tag, attributes, parser.CurrentLineNumber)
        (open_elements[-1].children if open_elements else roots).append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        if open_elements:
            open_elements[-1].text += data

    def refuse(*_: Any) -> None:
        raise _WrongError(
            parser.CurrentLineNumber, "a document type (DOCTYPE) or entity is not allowed here; remove it"
        )

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _WrongError(error.lineno, f"this is no well-formed XML: {expat.ErrorString(error.code)}") from error
    return roots[0]


def _declared(root: _Element) -> _Element:
    """The element that declares the type."""
    if root.tag != "plugin":
        raise _WrongError(root.line, f"the outermost element is <plugin>, not <{root.tag}>")
    for child in root.children:
        if child.tag not in _SHELL:
            raise _WrongError(
                child.line, f"unknown element <{child.tag}> in <plugin>; accepted: {listed(sorted(_SHELL))}"
            )
    kinds = root.all("type")
    if not kinds or kinds[0].text.strip() != PLUGIN_TYPE:
        line = kinds[0].line if kinds else root.line
        raise _WrongError(line, f"<type> must be {PLUGIN_TYPE}: only event types are read")
    declared = root.all(PLUGIN_TYPE)
    if len(declared) != 1:
        raise _WrongError(root.line, f"a plugin declares one <{PLUGIN_TYPE}>; this one declares {len(declared)}")
    return declared[0]


def _event_type(root: _Element) -> dict[str, Any]:
    declared = _declared(root)
    given = _attributes(declared, frozenset({"id", "priority", "retention"}))
    told: dict[str, Any] = {"id": _id(declared), "name": root.label("name"), "description": root.label("description")}
    if "priority" in given:
        told["priority"] = _one_of(declared, "priority", {"HIGH": "HIGH", "LOW": "LOW"})
    if "retention" in given:
        if not given["retention"].isdecimal() or not 1 <= int(given["retention"]) <= 365:
            raise _WrongError(declared.line, f"retention is a number of days from 1 to 365, not {given['retention']!r}")
        told["retention_days"] = int(given["retention"])
    told["fields"] = _fields(declared, nested=False)
    return told


def _fields(parent: _Element, *, nested: bool) -> list[dict[str, Any]]:
    told, seen = [], set()
    for element in parent.children:
        if element.tag in {"name", "description"} and parent.tag == "property":
            continue
        if element.tag != "property":
            raise _WrongError(element.line, f"unknown element <{element.tag}> in <{parent.tag}>; accepted: property")
        one = _field(element, nested=nested)
        if one["key"].lower() in seen:
            raise _WrongError(element.line, f"property {one['key']!r} stands here twice (case does not count)")
        seen.add(one["key"].lower())
        told.append(one)
    return told


def _field(element: _Element, *, nested: bool) -> dict[str, Any]:
    given = _attributes(element, _PROPERTY)
    told: dict[str, Any] = {
        "key": _id(element),
        "name": element.label("name"),
        "description": element.label("description"),
    }
    if "sensitivity" in given:
        told["pii"] = _one_of(element, "sensitivity", {"PII": True, "NONE": False})
    if "nested" in given and _one_of(element, "nested", _TRUTH):
        if nested:
            raise _WrongError(element.line, f"property {told['key']!r} is nested in a nested one; one level is allowed")
        return told | {"fields": _items(element, told["key"])}
    return told | _value(element, told["key"])


def _items(element: _Element, key: str) -> list[dict[str, Any]]:
    for name in ("type", "multiple", "identifier"):
        if name in element.attributes:
            raise _WrongError(element.line, f"nested property {key!r} has no {name} of its own")
    found = _fields(element, nested=True)
    if not found:
        raise _WrongError(element.line, f"nested property {key!r} has no <property> in it")
    return found


def _value(element: _Element, key: str) -> dict[str, Any]:
    inner = element.all("property")
    if inner:
        raise _WrongError(inner[0].line, f'a property within {key!r} needs nested="true" there')
    given = element.attributes
    told = {name: _one_of(element, name, _TRUTH) for name in ("multiple", "identifier") if name in given}
    kind = _one_of(element, "type", _TYPES, "Unknown property type") if "type" in given else "text"
    return {"type": kind, **told}


def _attributes(element: _Element, accepted: frozenset[str]) -> Mapping[str, str]:
    for name in element.attributes:
        if name not in accepted:
            near = listed(nearest_first(name, accepted))
            raise _WrongError(element.line, f"unknown attribute {name!r} of <{element.tag}>; accepted: {near}")
    return element.attributes


def _id(element: _Element) -> str:
    value = element.attributes.get("id", "")
    if not _ID.fullmatch(value):
        raise _WrongError(element.line, f"<{element.tag}> needs an id of letters, digits, _ and -, not {value!r}")
    return value


def _one_of(element: _Element, name: str, accepted: Mapping[str, Any], told: str = "") -> Any:
    value = element.attributes[name]
    if value not in accepted:
        message = told or f"{name} of <{element.tag}>"
        raise _WrongError(element.line, f"{message} {value!r}; accepted: {listed(list(accepted))}")
    return accepted[value]
