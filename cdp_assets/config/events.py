"""Timeline events: their types and fields, and which columns of a file bring them (spec.md 8)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.properties import Property, PropertyType

EventTypeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=40)]
"""An event type's id: it becomes part of table names."""
EVENT_COLUMNS = ("profile_id", "event_id", "date", "product_store", "set_at_position", "set_at_row")
"""Columns of every table of events that are ours; no field may take their names."""
ITEM_COLUMNS = ("profile_id", "event_id", "date", "index")
"""Likewise, of the tables of nested items."""


INTERACTIONS = "interactions"
"""The type of what profiles saw, clicked on and bought by; analysts read it as `main.interactions`."""
INTERACTION_KINDS = ("VIEW", "CLICK", "CONVERSION")


class FieldType(StrEnum):
    """What a field of an event can hold."""

    text = "text"
    number = "number"
    decimal = "decimal"
    datetime = "datetime"
    json = "json"


def _is_none(value: object) -> bool:
    return value is None


class ItemField(Strict):
    """One field of the items nested in an event."""

    key: PropertyName
    """Unique within its level; the name of a column."""
    name: str = ""
    """For people; left out = the key."""
    description: str = ""
    """What people read about it."""
    type: FieldType = FieldType.text
    """What a value is."""
    multiple: bool = False
    """Whether it can hold several values; then the column is a LIST."""
    identifier: bool = False
    """Whether every item, or event, must have a value here: an event that lacks one is rejected."""
    pii: bool = False
    """Whether values identify a person."""
    choices: tuple[str, ...] | None = Field(default=None, exclude_if=_is_none)
    """The texts it can hold, whatever their case in a file; left out = any."""

    @property
    def prop(self) -> Property:
        """The field as a property, so that its values are read like those of profiles."""
        return Property(
            name=self.key,
            type=PropertyType(self.type),
            multiple=self.multiple,
            description=self.description or self.name,
            pii=self.pii,
            choices=self.choices,
        )

    @model_validator(mode="after")
    def _identifier_holds_one(self) -> ItemField:
        if self.identifier and self.multiple:
            message = f"field {self.key!r} identifies and so holds one value; remove multiple or identifier"
            raise ValueError(message)
        if self.choices is not None and self.type is not FieldType.text:
            message = f"only a text has choices; field {self.key!r} is a {self.type}"
            raise ValueError(message)
        return self


class EventField(ItemField):
    """One field of an event: a value, or items with fields of their own."""

    fields: tuple[ItemField, ...] = ()
    """Fields of the items it holds; left out = it holds values of its type."""

    @model_validator(mode="after")
    def _values_or_items(self) -> EventField:
        kinds = ("type", "multiple", "identifier", "choices")
        told = [key for key in kinds if getattr(self, key) != type(self).model_fields[key].default]
        if self.fields and told:
            message = f"field {self.key!r} holds items (fields), so it has no {' and no '.join(told)} of its own"
            raise ValueError(message)
        twice = repeated([item.key for item in self.fields])
        if twice:
            message = f"two fields of {self.key!r} have the key {twice!r} (case does not count)"
            raise ValueError(message)
        taken = [item.key for item in self.fields if item.key.lower() in ITEM_COLUMNS]
        if taken:
            message = f"field key {taken[0]!r} is reserved; take another one than: {', '.join(ITEM_COLUMNS)}"
            raise ValueError(message)
        return self


class EventType(Strict):
    """One type of timeline events; one table, and one more for each nested field."""

    id: EventTypeId
    """Unique; part of the table's name: `events_<id>`. Never change it."""
    name: str = ""
    """For people; left out = the id."""
    description: str = ""
    """What people read about it."""
    priority: Literal["HIGH", "LOW"] = "HIGH"
    """HIGH = kept for ever unless `retention_days` says otherwise; LOW = kept 30 days unless it does."""
    retention_days: int | None = Field(default=None, ge=1, le=365)
    """How long events are of interest; left out = for ever if the priority is HIGH, 30 days if it is LOW."""
    fields: tuple[EventField, ...] = ()
    """In the order of the table's columns. Of a standard type, those that are added to its own."""

    @property
    def values(self) -> tuple[EventField, ...]:
        """The fields that hold values."""
        return tuple(field for field in self.fields if not field.fields)

    @property
    def nested(self) -> tuple[EventField, ...]:
        """The fields that hold items."""
        return tuple(field for field in self.fields if field.fields)

    def find_field(self, key: str) -> EventField | None:
        """The field of that key, or None."""
        return next((field for field in self.fields if field.key == key), None)

    @model_validator(mode="after")
    def _keys_differ(self) -> EventType:
        twice = repeated([field.key for field in self.fields])
        if twice:
            message = f"two fields of event type {self.id!r} have the key {twice!r} (case does not count)"
            raise ValueError(message)
        taken = [field.key for field in self.fields if field.key.lower() in EVENT_COLUMNS]
        if taken:
            message = f"field key {taken[0]!r} is reserved; take another one than: {', '.join(EVENT_COLUMNS)}"
            raise ValueError(message)
        return self


class EventMapping(Strict):
    """One column into one field of an event, or of its items."""

    column: str = Field(min_length=1)
    """Column of the source."""
    property: PropertyName
    """Key of the field."""


class NestedImport(Strict):
    """Which rows make the items of one nested field."""

    property: PropertyName
    """Key of the nested field."""
    source: Name | None = None
    """Alias of the linked file whose rows are the items: the event's own, or one below it. Left out = the root file."""
    mappings: tuple[EventMapping, ...] = ()
    """Which columns go into which fields of an item."""
    all_properties: bool = False
    """Also take every column of the source whose name is like a field's key."""


class EventImport(Strict):
    """The events that the rows of a file bring to the profiles of their root rows."""

    type: EventTypeId
    """Event type, of the customer model or a standard one."""
    source: Name | None = None
    """Alias of the linked file whose rows are the events; left out = the root file."""
    id: str | None = Field(default=None, min_length=1)
    """Column with the event's id. Left out, or empty in a row, the id is made of what the event holds."""
    date: str = Field(min_length=1)
    """Column with the event's date and time."""
    on_missing_date: Literal["reject", "now"] = "reject"
    """What becomes of an event without a valid date; now = it gets the time its file was first seen."""
    mappings: tuple[EventMapping, ...] = ()
    """Which columns go into which fields."""
    all_properties: bool = False
    """Also take every column of the source whose name is like a field's key."""
    nested: tuple[NestedImport, ...] = ()
    """Which rows make the items of nested fields."""
    product_store: Name | None = None
    """Store into which the events' products go."""


def repeated(keys: Sequence[str]) -> str | None:
    """The first key that stands twice, whatever its case; None = they differ."""
    lower = [key.lower() for key in keys]
    return next((key for place, key in enumerate(keys) if key.lower() in lower[:place]), None)


def _field(key: str, kind: FieldType = FieldType.text, *, multiple: bool = False) -> EventField:
    return EventField(key=key, type=kind, multiple=multiple)


def _item(key: str, kind: FieldType = FieldType.text, *, identifier: bool = False) -> ItemField:
    return ItemField(key=key, type=kind, identifier=identifier)


_NUMBER, _DECIMAL, _DATE = FieldType.number, FieldType.decimal, FieldType.datetime
_PRODUCT = (
    _item("id", identifier=True),
    *(_item(key) for key in ("sku", "upc", "category", "name", "variant", "brand")),
    _item("listprice", _DECIMAL),
    _item("netprice", _DECIMAL),
    _item("quantity", _NUMBER),
    _item("coupon"),
    _item("deliverydate", _DATE),
)
_STANDARD: dict[str, tuple[EventField, ...]] = {
    "order": (
        _field("order_id"),
        _field("order_date", _DATE),
        _field("affiliation"),
        _field("total_revenue", _DECIMAL),
        _field("quantity", _NUMBER),
        *(_field(key, _DECIMAL) for key in ("revenue", "shipping", "tax", "discount")),
        _field("coupon", multiple=True),
        _field("promotion", multiple=True),
        _field("currency"),
        _field("bcStoreId"),
        EventField(key="product", fields=_PRODUCT),
    ),
    "abandoned_basket": (
        _field("last_modified", _DATE),
        _field("affiliation"),
        _field("quantity", _NUMBER),
        _field("total_value", _DECIMAL),
        _field("coupon", multiple=True),
        _field("promotion", multiple=True),
        _field("currency"),
        _field("recovery_url"),
        EventField(key="product", fields=_PRODUCT),
    ),
    INTERACTIONS: (
        EventField(key="interaction_id", name="Interaction", identifier=True),
        EventField(key="kind", name="What the profile did", choices=INTERACTION_KINDS, identifier=True),
        _field("value", _DECIMAL),
    ),
}
"""Fields of the types everybody has (spec.md 8.1). Their `event_id` is the column every event has."""
STANDARD_TYPES = tuple(_STANDARD)


def changes_standard(given: EventType) -> str | None:
    """Why a type may not add these fields to a standard one; None = it may."""
    own = {field.key.lower(): field for field in _STANDARD.get(given.id, ())}
    for field in given.fields:
        standard = own.get(field.key.lower())
        if standard is None:
            continue
        items = {item.key.lower() for item in standard.fields}
        same = next((item.key for item in field.fields if item.key.lower() in items), None)
        if not (standard.fields and field.fields) or field.key != standard.key or same:
            what = f"{field.key}.{same}" if same else field.key
            return f"{what!r} is a standard field of event type {given.id!r}, which can be extended but not changed"
    return None


def whole_type(given: EventType) -> EventType:
    """The type with the fields of the standard one of its id before its own; any other type as it is."""
    standard = _STANDARD.get(given.id)
    if standard is None:
        return given
    added = {field.key: field for field in given.fields}
    fields = [
        field.model_copy(update={"fields": (*field.fields, *added.pop(field.key).fields)})
        if field.key in added
        else field
        for field in standard
    ]
    # Of a model_copy nothing is checked again: the added fields were checked against the standard ones before.
    return given.model_copy(update={"fields": (*fields, *added.values())})


def whole_types(given: Sequence[EventType], named: Sequence[str] = ()) -> tuple[EventType, ...]:
    """Every type with all its fields, and the standard types among those that are `named` only."""
    known = {item.id for item in given}
    more = [EventType(id=name) for name in dict.fromkeys(named) if name in _STANDARD and name not in known]
    return tuple(whole_type(item) for item in (*given, *more))


def slug(text: str) -> str:
    """A name as keys are written: lower-case words with one underscore between them."""
    words = "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()
    return "_".join(words)
