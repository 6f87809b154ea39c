"""Conditions on a profile's events and groups: who has as many of them as is asked (spec.md 9.2).

Reads   main.events_<type>, main.events_<type>_<nested>, main.groups_<type>, main.groups_<type>_members
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from cdp_assets.config.events import EventField, EventType
from cdp_assets.config.groups import GROUP_ID, GroupType
from cdp_assets.config.properties import Property
from cdp_assets.config.related import EVENT_PROPERTIES, Count, EventTest, FieldCondition, GroupTest, Sum
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.members import members_name
from cdp_assets.sql.questions import answer
from cdp_assets.sql.records import groups_name
from cdp_assets.sql.text import Sql, ident, joined, literal, sql


def has_events(test: EventTest, kind: EventType, now: datetime, tables: Collection[str]) -> Sql:
    """Whether a profile has the events that are asked for. `tables`: those there are; no table, no events."""
    name = event_table_name(kind.id)
    none_fits = _holds(Decimal(0), test.count) and (test.sum is None or _holds(Decimal(0), test.sum))
    if name not in tables:
        return Sql("true" if none_fits else "false")
    tests = [_asked(one, _field(one, kind.fields), "event", now) for one in test.conditions]
    tests += [_has_item(kind, item.of, item.where, now) for item in test.items]
    source = sql(
        "SELECT event.profile_id, {total} AS total FROM {table} AS event\n{where}",
        total=_total(test, kind, now),
        table=ident("main", name),
        where=_where(tests),
    )
    limits = [_limits(Sql("count(*)"), test.count, 0)]
    if test.sum is not None:
        scale = _field_of_sum(test.sum, kind).scale
        limits.append(_limits(sql("coalesce(sum(total), 0)::DECIMAL(38, {s})", s=literal(scale)), test.sum, scale))
    return _counted(source, joined(" AND ", limits), none_fits=none_fits)


def _counted(source: Sql, fits: Sql, *, none_fits: bool) -> Sql:
    """Whether the rows of a profile fit together; for a profile without any, what is said of none."""
    return sql(
        "(profile_id {verb} (SELECT profile_id FROM (\n{source}\n) GROUP BY profile_id HAVING {fits}))",
        verb=Sql("NOT IN" if none_fits else "IN"),
        source=source,
        fits=sql("NOT ({fits})", fits=fits) if none_fits else fits,
    )


def _holds(number: Decimal, limit: Count | Sum) -> bool:
    return (limit.at_least is None or number >= limit.at_least) and (limit.at_most is None or number <= limit.at_most)


def _limits(number: Sql, limit: Count | Sum, scale: int) -> Sql:
    """Limits are moved to what the number's scale can hold, so that comparing rounds nothing."""
    tests = []
    for sign, bound, rounding in ((">=", limit.at_least, ROUND_CEILING), ("<=", limit.at_most, ROUND_FLOOR)):
        if bound is not None:
            exact = Decimal(bound).quantize(Decimal(1).scaleb(-scale), rounding=rounding)
            kind = Sql(f"DECIMAL(38, {scale})")
            value = sql("CAST({v} AS {kind})", v=literal(f"{exact:f}"), kind=kind)
            tests.append(sql("{n} {sign} {v}", n=number, sign=Sql(sign), v=value))
    return joined(" AND ", tests)


def _where(tests: Sequence[Sql]) -> Sql:
    return sql("WHERE {tests}", tests=joined(" AND ", tests)) if tests else Sql("")


def _field(condition: FieldCondition, fields: Sequence[EventField]) -> Property:
    own = EVENT_PROPERTIES.get(condition.field)
    return own or next(field.prop for field in fields if field.key == condition.field)


def _asked(condition: FieldCondition, prop: Property, table: str, now: datetime) -> Sql:
    return answer(condition.asked, prop, ident(table, prop.name), now)


def _item_tests(kind: EventType, nested: str, where: Sequence[FieldCondition], now: datetime) -> list[Sql]:
    """What makes a row of items one of the event, and one that is asked for."""
    field = kind.find_field(nested)
    assert field is not None, nested
    props = {item.key: item.prop for item in field.fields}
    same = [Sql(f"item.{key} = event.{key}") for key in ("profile_id", "event_id", "date")]
    return same + [_asked(one, props[one.field], "item", now) for one in where]


def _has_item(kind: EventType, nested: str, where: Sequence[FieldCondition], now: datetime) -> Sql:
    return sql(
        "EXISTS (SELECT 1 FROM {items} AS item\n{where})",
        items=ident("main", event_table_name(kind.id, nested)),
        where=_where(_item_tests(kind, nested, where, now)),
    )


def _field_of_sum(total: Sum, kind: EventType) -> Property:
    fields = kind.fields
    if total.of is not None:
        nested = kind.find_field(total.of)
        assert nested is not None, total.of
        return next(item.prop for item in nested.fields if item.key == total.field)
    return next(field.prop for field in fields if field.key == total.field)


def _total(test: EventTest, kind: EventType, now: datetime) -> Sql:
    """What one event adds to the sum."""
    if test.sum is None:
        return Sql("NULL")
    if test.sum.of is None:
        return ident("event", test.sum.field)
    where = [one for item in test.items if item.of == test.sum.of for one in item.where]
    return sql(
        "(SELECT sum({field}) FROM {items} AS item\n{where})",
        field=ident("item", test.sum.field),
        items=ident("main", event_table_name(kind.id, test.sum.of)),
        where=_where(_item_tests(kind, test.sum.of, where, now)),
    )


def has_groups(test: GroupTest, kind: GroupType, now: datetime, tables: Collection[str]) -> Sql:
    """Whether a profile belongs to the groups that are asked for."""
    none_fits = _holds(Decimal(0), test.count)
    if members_name(kind.id) not in tables:
        return Sql("true" if none_fits else "false")
    props = {prop.name: prop for prop in (*kind.properties, GROUP_ID)}
    tests = [answer(one.asked, props[one.property], ident("held", one.property), now) for one in test.where]
    source = sql(
        "SELECT DISTINCT link.profile_id, link.group_id FROM {members} AS link JOIN {groups} AS held"
        " ON held.group_id = link.group_id\n{where}",
        members=ident("main", members_name(kind.id)),
        groups=ident("main", groups_name(kind.id)),
        where=_where(tests),
    )
    return _counted(source, _limits(Sql("count(*)"), test.count, 0), none_fits=none_fits)
