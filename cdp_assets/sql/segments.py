"""Segments: a condition tree as a predicate over `profiles` (spec.md 9.2).

Reads   main.profiles
Writes  main.segment_members, ops.segment_changes
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.config.segments import AllOf, AnyOf, Condition, Operator, PropertyCondition, Segment
from cdp_assets.sql.dialect import value_type
from cdp_assets.sql.text import Sql, ident, joined, literal, sql


def predicate(condition: Condition, model: CustomerModelConfig) -> Sql:
    """Whether a profile meets a condition: true or false, never NULL."""
    match condition:
        case AllOf():
            return sql("({all})", all=joined(" AND ", [predicate(part, model) for part in condition.all]))
        case AnyOf():
            return sql("({any})", any=joined(" OR ", [predicate(part, model) for part in condition.any]))
        case PropertyCondition():
            prop = model.find_property(condition.property)
            assert prop is not None, condition.property
            return _property_predicate(condition, prop)


def _property_predicate(condition: PropertyCondition, prop: Property) -> Sql:
    """The `not_` forms are the plain negation, so they are true for an empty property."""
    name = str(condition.operator)
    if name.startswith("not_"):
        positive = condition.model_copy(update={"operator": Operator(name.removeprefix("not_"))})
        return sql("NOT {positive}", positive=_property_predicate(positive, prop))
    column = ident(prop.name)
    match condition.operator:
        case Operator.is_empty:
            return sql("({column} IS NULL)", column=column)
        case Operator.contains_any | Operator.contains_all:
            function = Sql("list_has_any" if condition.operator is Operator.contains_any else "list_has_all")
            wanted = Sql("[" + ", ".join(_value(value, prop) for value in condition.values) + "]")
            return sql(
                "coalesce({function}({values}, {wanted}), false)",
                function=function,
                values=_values(prop),
                wanted=wanted,
            )
        case _:
            return _in_range(condition, prop)


def _folds(prop: Property) -> bool:
    return prop.type in {PropertyType.text, PropertyType.email}


def _values(prop: Property) -> Sql:
    """A property's values as a list, in the form that is compared; NULL = none."""
    column = ident(prop.name)
    if prop.multiple:
        return sql("list_transform({column}, lambda v: lower(v))", column=column) if _folds(prop) else column
    one = sql("lower({column})", column=column) if _folds(prop) else column
    return sql("CASE WHEN {column} IS NOT NULL THEN [{one}] END", column=column, one=one)


def _value(value: str | int | Decimal | datetime, prop: Property) -> Sql:
    """A constant of the condition. A date is read in UTC where it names no zone."""
    if _folds(prop):
        return literal(str(value).lower())
    return sql("CAST({value} AS {kind})", value=literal(str(value)), kind=value_type(prop))


def _in_range(condition: PropertyCondition, prop: Property) -> Sql:
    """Inclusive; a bound left out is open; a property with several values fits if one of them does."""
    tests = []
    if condition.min is not None:
        tests.append(sql("v >= {bound}", bound=_value(condition.min, prop)))
    if condition.max is not None:
        tests.append(sql("v <= {bound}", bound=_value(condition.max, prop)))
    return sql(
        "coalesce(len(list_filter({values}, lambda v: {tests})) > 0, false)",
        values=_values(prop),
        tests=joined(" AND ", tests),
    )


def members(segment: Segment, model: CustomerModelConfig) -> Sql:
    """The profile_id of every member."""
    return sql("SELECT profile_id FROM main.profiles WHERE {condition}", condition=predicate(segment.where, model))


def refresh_members(segment: Segment, model: CustomerModelConfig, at: datetime) -> list[Sql]:
    """Brings `segment_members` up to date and notes what changed. Who stays keeps the time of entry."""
    name = literal(segment.name)
    return [
        sql("CREATE OR REPLACE TEMP TABLE members AS {members}", members=members(segment, model)),
        sql(
            'INSERT INTO ops.segment_changes (segment, computed_at, size, joined, "left") SELECT {name}, {at},'
            " (SELECT count(*) FROM members),"
            " (SELECT count(*) FROM members ANTI JOIN (SELECT * FROM main.segment_members WHERE segment = {name})"
            " USING (profile_id)),"
            " (SELECT count(*) FROM main.segment_members ANTI JOIN members USING (profile_id) WHERE segment = {name})",
            name=name,
            at=literal(at),
        ),
        sql(
            "DELETE FROM main.segment_members WHERE segment = {name}"
            " AND profile_id NOT IN (SELECT profile_id FROM members)",
            name=name,
        ),
        sql(
            "INSERT INTO main.segment_members (segment, profile_id, entered_at) SELECT {name}, profile_id, {at}"
            " FROM members WHERE profile_id NOT IN"
            " (SELECT profile_id FROM main.segment_members WHERE segment = {name})",
            name=name,
            at=literal(at),
        ),
    ]
