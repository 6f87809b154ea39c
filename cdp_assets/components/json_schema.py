"""The JSON schema of a component's attributes, for `dg check yaml` and editors.

Pydantic writes a choice as "any of these", and a validator can then only say that nothing fits. Here every
choice names its condition (`if` … `then`), so the message is about the one key that is wrong. A template may
stand wherever a plain value is expected, and what stands below a secret is never compared with anything, as
messages quote the value.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cdp_assets.components.reading import COMPONENT_NAMES
from cdp_assets.config.base import SecretRef

Schema = dict[str, Any]

_PACKAGE = "cdp_assets."
_TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{"}
_PLAIN = frozenset({"string", "integer", "number", "boolean"})
_NOTES = frozenset({"title", "description", "default"})


def attributes_schema(schema: Schema) -> Schema:
    """A pydantic JSON schema, rewritten as above."""
    definitions: dict[str, Schema] = schema.get("$defs", {})
    rewritten: Schema = _rewritten(schema, definitions)
    secret = rewritten.get("$defs", {}).get(SecretRef.__name__)
    if secret is not None:
        keys: Schema = {key: {} for key in sorted(SecretRef.model_fields)}
        secret.clear()
        secret.update({"properties": keys, "description": SecretRef.__doc__ or ""})
    return rewritten


def schema_of(model: type[BaseModel]) -> Schema:
    """The rewritten JSON schema of a model."""
    return attributes_schema(model.model_json_schema())


def files_schema() -> Schema:
    """The schema of a whole file with any of our components, for the setting of an editor.

    Dagster's own keys beside `type` and `attributes` are not looked into.
    """
    definitions: dict[str, Schema] = {}
    cases: list[Schema] = []
    for model, name in COMPONENT_NAMES.items():
        schema = schema_of(model)
        definitions |= schema.pop("$defs", {}) | {name: schema}
        is_it: Schema = {"properties": {"type": {"const": _PACKAGE + name}}}
        cases.append({"if": is_it, "then": {"properties": {"attributes": {"$ref": f"#/$defs/{name}"}}}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["type", "attributes"],
        "properties": {"type": {"enum": sorted(_PACKAGE + name for name in COMPONENT_NAMES.values())}},
        "allOf": cases,
        "$defs": definitions,
    }


def _rewritten(node: Any, definitions: dict[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_rewritten(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: _named(value, definitions) if key in {"properties", "$defs"} else _rewritten(value, definitions)
        for key, value in node.items()
        if key not in {"oneOf", "discriminator"}
    } | {key: node[key] for key in ("oneOf", "discriminator") if key in node}
    if "oneOf" in node:
        return _by_condition(node, definitions)
    if "anyOf" in node:
        return _or_null(node)
    return _or_template(node)


def _named(entries: dict[str, Any], definitions: dict[str, Schema]) -> dict[str, Any]:
    return {name: _rewritten(entry, definitions) for name, entry in entries.items()}


def _by_condition(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Members told apart by the value of `type`, or by the key that only one of them requires."""
    members, discriminator = node.pop("oneOf"), node.pop("discriminator", None)
    if discriminator is not None:
        key, mapping = discriminator["propertyName"], discriminator["mapping"]
        cases = [
            {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": {"$ref": ref}}
            for value, ref in mapping.items()
        ]
        known = {"required": [key], "properties": {key: {"enum": sorted(mapping)}}}
        return node | {"type": "object", **known, "allOf": cases}
    chosen: Schema = {}
    # `property` is what is meant where no other key decides, so it comes last in the chain.
    for member in sorted(members, key=lambda one: _own_key(one, members, definitions) != "property"):
        own = _own_key(member, members, definitions)
        chosen = {"if": {"required": [own]}, "then": member, "else": chosen} if chosen else member
    return node | {"type": "object"} | (chosen if "if" in chosen else {"allOf": [chosen]})


def _own_key(member: Schema, members: list[Schema], definitions: dict[str, Schema]) -> str:
    """A key that this member requires and no other may have."""
    others = {key for one in members if one != member for key in _definition(one, definitions)["properties"]}
    own = set(_definition(member, definitions)["required"]) - others
    return "property" if "property" in own else str(min(own))


def _definition(member: Schema, definitions: dict[str, Schema]) -> Schema:
    return definitions[str(member["$ref"]).rsplit("/", 1)[-1]]


def _or_null(node: Schema) -> Schema:
    """A value or null: nothing is asked of null. What can be switched `off` and `on` may be that as well."""
    unasked = ["null", "boolean"] if node.pop("switch", False) else "null"
    others = [member for member in node["anyOf"] if member.get("type") != "null"]
    if len(others) != 1 or len(others) == len(node["anyOf"]):
        return node
    notes = {key: value for key, value in node.items() if key in _NOTES}
    return {**notes, "if": {"not": {"type": unasked}}, "then": others[0]}


def _or_template(node: Schema) -> Schema:
    """A plain value or a template."""
    if node.get("type") not in _PLAIN or "const" in node:
        return node
    notes = {key: value for key, value in node.items() if key in _NOTES}
    rest = {key: value for key, value in node.items() if key not in _NOTES}
    return {**notes, "if": {"not": _TEMPLATE}, "then": rest}
