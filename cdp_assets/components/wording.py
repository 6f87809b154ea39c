"""What pydantic found, in the words of the person who wrote the YAML, and never with a secret in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cdp_assets.components.pointing import Pointer, accepted_keys, accepted_tags, accepted_values, bare, follow
from cdp_assets.components.yaml_mistakes import SECRET_KEYS
from cdp_assets.config.conditions import CONDITION_KINDS
from cdp_assets.config.known import Location, Place, listed
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.counted import counted

REFERENCE_MESSAGE = "a secret is a reference: give exactly one of {env: NAME} or {file: path}, not the secret"
"""What is said about anything wrong at or below a secret, without a word of what stands there."""

_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, beginning with a letter",
    r"^[A-Za-z0-9_-]+$": "letters, digits, _ and -",
    r'^[^"]+$': 'text without "',
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day HH:MM in quotes",
    r"^(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$": "an e-mail address, or team: and a name",
    r"^[A-Za-z0-9_.-]{1,63}$": "letters, digits, _, - and .",
    r"^[A-Z]{3}$": "an ISO code of three capital letters such as EUR",
}
_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "is": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "model": "a mapping (key: value)",
    "dict": "a mapping (key: value)",
    "datetime": "a date and time such as 2026-01-31T00:00:00Z",
    "path": "a path",
}
_GLUED_SECRET = re.compile(rf"^({'|'.join(sorted(SECRET_KEYS))})\W")
"""`{password:abc}` without a space makes one key of both."""


def places(error: ValidationError, model: type[BaseModel], data: Any, name: str) -> list[Place]:
    """Every mistake once, in pydantic's order; `name` is what the whole is called."""
    found: dict[Location, list[str]] = {}
    choices: dict[Location, list[str]] = {}
    for details in error.errors(include_url=False, include_input=False):
        pointer = follow(model, details["loc"])
        if details["type"] == "too_short" and _value_at(data, pointer.location):
            # Its items are there but wrong, which is told about each of them.
            continue
        where, message = _place(details, pointer, data, name)
        if pointer.alternative:
            word = _kind_word(details, None)
            choices.setdefault(where, []).extend([] if word in choices.get(where, []) else [word])
            found[where] = [f"{_label(where, name)} must be {' or '.join(choices[where])}"]
        elif message not in found.setdefault(where, []):
            found[where].append(message)
    return [(where, message) for where, messages in found.items() for message in messages]


def unknown_keys(error: ValidationError, model: type[BaseModel]) -> list[Location]:
    """Places of the keys that no model knows."""
    details = error.errors(include_url=False, include_input=False)
    return [follow(model, one["loc"]).location for one in details if one["type"] == "extra_forbidden"]


def unknown_key(key: Any, where: str, accepted: list[str]) -> str:
    """The message about a key that is not one of the accepted ones."""
    glued = _GLUED_SECRET.match(str(key))
    shown = f"{glued[1]}…" if glued else str(key)
    return f"unknown key {shown!r} in {where}{_hint(str(key), accepted)}"


def _place(details: ErrorDetails, pointer: Pointer, data: Any, name: str) -> Place:
    where, kind = pointer.location, details["type"]
    secret = next((index for index, part in enumerate(where) if part in SECRET_KEYS), None)
    if secret is not None and (secret + 1 < len(where) or kind != "extra_forbidden"):
        return where[: secret + 1], f"{_label(where[: secret + 1], name)}: {REFERENCE_MESSAGE}"
    inside = _label(where[:-1], name) + (f" ({pointer.label})" if pointer.label else "")
    if kind == "extra_forbidden":
        return where, unknown_key(where[-1], inside, accepted_keys(pointer.owner))
    if kind == "invalid_key":
        told = "must have text as keys; put them in quotes (YAML reads yes, no, on and off as true and false)"
        return where[:-1], f"{_label(where[:-1], name)} {told}"
    if kind == "missing" and where[-1] == "property" and pointer.owner is PropertyCondition:
        return where[:-1], f"missing what {_label(where[:-1], name)} asks for; accepted: {listed(CONDITION_KINDS)}"
    if kind == "missing":
        return where[:-1], f"missing key {where[-1]!r} in {inside}"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _wrong_tag(details, pointer, name)
    return where, _wrong_value(details, pointer, data, name)


def _wrong_value(details: ErrorDetails, pointer: Pointer, data: Any, name: str) -> str:
    where, kind = pointer.location, details["type"]
    values, value = accepted_values(pointer.kind), _value_at(data, where)
    if kind in {"enum", "literal_error"} and values:
        told = "there is no value" if value is None else f"{value!r} is not accepted"
        return f"{_label(where, name)}: {told}{_hint(str(value), values)}"
    model = bare(pointer.kind)
    is_model = kind == "model_type" and isinstance(model, type) and issubclass(model, BaseModel)
    keys = f" of {listed(accepted_keys(model))}" if is_model else ""
    return f"{_other(details, _label(where, name), value)}{keys}"


def _wrong_tag(details: ErrorDetails, pointer: Pointer, name: str) -> Place:
    where, accepted = pointer.location, accepted_tags(pointer.kind)
    context: Mapping[str, Any] = details.get("ctx", {})
    key = str(context.get("discriminator", "type")).strip("'")
    if "tag" not in context:
        return where, f"missing key {key!r} in {_label(where, name)}; accepted: {listed(accepted)}"
    hint = _hint(str(context["tag"]), accepted)
    return (*where, key), f"{_label((*where, key), name)}: {context['tag']!r} is not accepted{hint}"


def _other(details: ErrorDetails, label: str, value: Any) -> str:
    kind, message = details["type"], details["msg"]
    if kind == "value_error":
        return f"{label}: {message.removeprefix('Value error, ')}"
    if kind == "string_pattern_mismatch":
        pattern = str(details.get("ctx", {}).get("pattern"))
        small = str(value).lower()
        meant = f"; did you mean {small!r}?" if small != value and re.search(pattern, small) else ""
        return f"{label} must be {_PATTERNS.get(pattern, f'text of the form {pattern}')}{meant}"
    if kind.split("_")[-1] in {"type", "parsing"} or kind in {"int_from_float", "path_type"}:
        return f"{label} must be {_kind_word(details, value)}"
    if kind in {"too_short", "too_long"}:
        limit = details.get("ctx", {}).get("min_length" if kind == "too_short" else "max_length")
        return f"{label} must have at {'least' if kind == 'too_short' else 'most'} {counted(int(limit or 0), 'item')}"
    for ours, theirs in (("must be ", "Input should be "), ("must have ", "should have ")):
        if theirs in message:
            return f"{label} {ours}{message.split(theirs, 1)[1]}"
    return f"{label}: {message}"


def _kind_word(details: ErrorDetails, value: Any) -> str:
    word = _KINDS.get(details["type"].split("_")[0], details["msg"].removeprefix("Input should be "))
    if word == "text" and isinstance(value, bool | int | float):
        return "text; put it in quotes"
    return word


def _hint(word: str, accepted: list[str]) -> str:
    # Of words as short as the names of days, another letter is another language: lun is no sun.
    near = get_close_matches(word.lower(), accepted, n=1, cutoff=0.7)
    signs = any(not re.search(r"\w", one) for one in accepted)
    told = [repr(one) for one in accepted] if signs else accepted
    quotes = ", in quotes" if signs else ""
    return f"; {f'did you mean {near[0]!r}? ' if near else ''}accepted{quotes}: {listed(told)}"


def _label(location: Location, name: str) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or name


def _value_at(data: Any, location: Location) -> Any:
    """None where there is nothing, as at a key that is no text."""
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
