"""What is readable of a part that is not right as a whole: the rest of it is UNREAD.

In its lists, what could be read stands first: a rule that goes through one finds all it can before it comes to
something unread and stops.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from cdp_assets.components.pointing import bare, is_union, member_of, type_of
from cdp_assets.config.known import Location
from cdp_assets.config.unread import UNREAD


@dataclass(frozen=True)
class Salvage:
    """A part as far as it could be read."""

    value: Any
    """The part, with UNREAD in it; UNREAD itself if nothing of it is known."""
    is_right: bool = False
    """Whether nothing is wrong with it."""
    lacks: bool = True
    """Whether something of it is not known; false also where it only has keys more than there are."""
    order: Mapping[Location, tuple[int, ...]] = field(default_factory=dict)
    """For each list in it that was put in another order: the place in the YAML of each of its items."""


def written_place(order: Mapping[Location, tuple[int, ...]], location: Location) -> Location:
    """Where in the YAML a place in something salvaged stands."""
    written: Location = ()
    for part in location:
        items = order.get(written)
        written = (*written, part if items is None or not isinstance(part, int) else items[part])
    return written


def salvage(kind: Any, data: Any) -> Salvage:
    """The value of this type that the data gives, or what is readable of it.

    A part whose keys are each right, but do not fit each other, is taken as it stands.
    """
    return _salvaged(kind, data, at_top=True)


def doubtful_keys(data: Mapping[Any, Any], accepted: Collection[str]) -> set[str]:
    """Keys that are left out, and that an unknown one may have been meant to be: the one like it, else any."""
    meant: set[str] = set()
    for key in data:
        if key not in accepted:
            meant.update(get_close_matches(str(key).lower(), accepted, n=1) or accepted)
    return {key for key in meant if key not in data}


def _salvaged(kind: Any, data: Any, *, at_top: bool = False) -> Salvage:
    try:
        return Salvage(TypeAdapter(kind).validate_python(data), is_right=True, lacks=False)
    except ValidationError as error:
        wrong = [one["loc"] for one in error.errors(include_url=False, include_input=False, include_context=False)]
    kind = bare(kind)
    if is_union(kind):
        member = member_of(kind, wrong[0][0]) if wrong[0] else None
        return Salvage(UNREAD) if member is None else _salvaged(member, data, at_top=at_top)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        # Where the model itself is wrong, its keys do not fit each other, and no more is known than that.
        return _model(kind, data, wrong) if isinstance(data, dict) and (at_top or () not in wrong) else Salvage(UNREAD)
    if get_origin(kind) is tuple and isinstance(data, list) and () not in wrong:
        return _items(get_args(kind)[0], data)
    return Salvage(UNREAD)


def _model(model: type[BaseModel], data: dict[str, Any], wrong: Collection[Location]) -> Salvage:
    for decorator in model.__pydantic_decorators__.model_validators.values():
        # These put what is written short into its long form.
        data = decorator.func(data) if decorator.info.mode == "before" else data
    fields = {each.alias or name: (name, each) for name, each in model.model_fields.items()}
    wrong_keys = {place[0] for place in wrong if place}
    values: dict[str, Any] = {fields[key][0]: UNREAD for key in doubtful_keys(data, fields)}
    order: dict[Location, tuple[int, ...]] = {}
    lacks = bool(values) or () in wrong
    for key, (name, each) in fields.items():
        if key in data:
            found = _salvaged(type_of(each), data[key])
            # What only a validator of the field finds wrong is right by its type.
            refused = found.is_right and key in wrong_keys
            values[name] = UNREAD if refused else found.value
            lacks |= refused or found.lacks
            order |= {(key, *place): items for place, items in found.order.items()}
        elif each.is_required():
            values[name] = UNREAD
            lacks = True
    return Salvage(model.model_construct(None, **values), lacks=lacks, order=order)


def _items(kind: Any, data: list[Any]) -> Salvage:
    found = [_salvaged(kind, item) for item in data]
    # Those that are right first, then those of which something is known.
    places = sorted(range(len(data)), key=lambda place: (not found[place].is_right, found[place].value is UNREAD))
    order: dict[Location, tuple[int, ...]] = {(): tuple(places)}
    for place in places:
        order |= {(place, *inside): items for inside, items in found[place].order.items()}
    lacks = any(part.lacks for part in found)
    return Salvage(tuple(found[place].value for place in places), lacks=lacks, order=order)
