"""From the location in a pydantic error to the place in the YAML and the type that stands there.

Pydantic mixes the user's keys with labels of its own (which member of a union it tried); only the model's
type annotations tell one from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from cdp_assets.config.known import Location


@dataclass(frozen=True)
class Pointer:
    """Where an error is."""

    location: Location
    """Path of keys and indexes, as in the YAML; the last part may be a key that is missing or unknown."""
    owner: type[BaseModel]
    """The model of the innermost mapping the location enters."""
    label: str | None
    """What kind of thing that mapping is, where there are several (`import_profiles`)."""
    kind: Any
    """Type of the value at the location; None for an unknown key."""
    alternative: bool
    """Whether the error is about one of several types the value could have."""


def follow(model: type[BaseModel], loc: Sequence[str | int]) -> Pointer:
    """Walk a pydantic error location along the model's types."""
    kind: Any = model
    owner, label, next_label, alternative = model, None, None, False
    location: list[str | int] = []
    for part in loc:
        kind = bare(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            owner, label, next_label = kind, next_label, None
            location.append(part)
            kind = _field_type(kind, part)
        elif is_union(kind):
            kind = member_of(kind, part)
            next_label, alternative = str(part), kind is None
        elif get_origin(kind) in {tuple, list, dict}:
            location.append(part)
            kind = get_args(kind)[-1 if get_origin(kind) is dict else 0]
    return Pointer(tuple(location), owner, label, bare(kind), alternative)


def accepted_keys(model: type[BaseModel]) -> list[str]:
    """The keys a mapping may hold, as they are written; what our own components set is left out."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    internal = {name for name, extra in extras.items() if isinstance(extra, dict) and extra.get("internal")}
    return sorted(field.alias or name for name, field in model.model_fields.items() if name not in internal)


def accepted_values(kind: Any) -> list[str]:
    """The values a choice may take, in their order; empty where it is no choice."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return [str(value) for value in get_args(kind)] if get_origin(kind) is Literal else []


def accepted_tags(union: Any) -> list[str]:
    """The tags of a tagged union."""
    return sorted(str(tag) for member in get_args(union) for tag in _tags(member))


def bare(kind: Any) -> Any:
    """The type without annotations and without the None it may also be."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if is_union(kind):
        members = [member for member in get_args(kind) if member is not NoneType]
        if len(members) == 1:
            return bare(members[0])
    return kind


def is_union(kind: Any) -> bool:
    """Whether a value is of one of several types."""
    return get_origin(kind) in {Union, UnionType}


def member_of(union: Any, tag: str | int) -> Any:
    """The member of a tagged union, or None where the union has no tags."""
    return next((bare(member) for member in get_args(union) if tag in _tags(member)), None)


def type_of(field: FieldInfo) -> Any:
    """The type of a key's value, with its limits."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _field_type(model: type[BaseModel], key: str | int) -> Any:
    fields: dict[str | int, FieldInfo] = {field.alias or name: field for name, field in model.model_fields.items()}
    return fields[key].annotation if key in fields else None


def _tags(member: Any) -> list[Any]:
    """What selects this member: its `Tag`, else the values of its `type` field."""
    tags = [item.tag for item in get_args(member)[1:] if isinstance(item, Tag)]
    kind = bare(member)
    if tags or not (isinstance(kind, type) and issubclass(kind, BaseModel) and "type" in kind.model_fields):
        return tags
    literal = kind.model_fields["type"].annotation
    return list(get_args(literal)) if get_origin(literal) is Literal else []
