"""The standard fields of event types with their meanings, told as the keys of the YAML are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cdp_assets.components.reference import Key, Part
from cdp_assets.config.events import INTERACTIONS, STANDARD_TYPES, EventType, ItemField, whole_type
from cdp_assets.sql.event_tables import event_table, item_table
from cdp_assets.sql.schema import Table


def standard_fields() -> list[Part]:
    """Of each standard type its fields, and those of its items as `order.product`."""
    return [part for name in STANDARD_TYPES if name != INTERACTIONS for part in _parts(whole_type(EventType(id=name)))]


def find_fields(word: str, *, single: bool, own: Sequence[EventType] = ()) -> list[tuple[Part, tuple[Key, ...]]]:
    """All fields of the type, or of the items, of that name; with `single` also one field; case does not count.

    Names may be told from the type on: `order`, `order.product`, `product.id`. `own`: types of the customer model,
    with all their fields; those take the place of standard ones.
    """
    wanted = f".{word.lower()}"
    found = []
    ours = [part for kind in own for part in _parts(kind, "Fields")]
    known = {part.name for part in ours}
    for part in [*ours, *(one for one in standard_fields() if one.name not in known)]:
        name = f".{part.name.lower()}"
        whole = name.endswith(wanted) or name.startswith(f"{wanted}.")
        keys = tuple(key for key in part.keys if whole or (single and f"{name}.{key.name.lower()}".endswith(wanted)))
        found += [(part, keys)] if keys else []
    return found


def _parts(kind: EventType, fields: str = "Standard fields") -> Iterator[Part]:
    told = f"{fields} of event type `{kind.id}`, which `mappings` of a goal's `events` fill"
    yield Part(
        kind.id, f"{told}; the customer model's `event_types` add others.", _keys(kind.values, event_table(kind))
    )
    for field in kind.nested:
        meaning = f"{fields} of the items in `{field.key}` of event type `{kind.id}`, filled under `nested`."
        yield Part(f"{kind.id}.{field.key}", meaning, _keys(field.fields, item_table(kind, field)))


def _keys(fields: tuple[ItemField, ...], table: Table) -> tuple[Key, ...]:
    told = {column.name: column.comment for column in table.columns}
    return tuple(
        Key(
            field.key,
            f"{field.type}, several values" if field.multiple else str(field.type),
            "" if field.identifier else "—",
            told[field.key],
        )
        for field in fields
    )
