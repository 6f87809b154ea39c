"""A question about a property as an expression over its column: true or false, never NULL (spec.md 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.config.questions import RANGE_OPERATORS, VALUE_OPERATORS, Asked, Operator, in_utc
from cdp_assets.sql.dialect import value_type
from cdp_assets.sql.text import Sql, joined, literal, sql

NEVER = Sql("false")


def answer(asked: Asked, prop: Property, column: Sql, now: datetime) -> Sql:
    """Whether a property's values are what is asked for; the `not_` forms are the plain opposite.

    `now`: the start of the run.
    """
    positive = _positive(asked, prop, column, now)
    return positive if asked.operator is asked.operator.positive else sql("NOT {positive}", positive=positive)


def _positive(asked: Asked, prop: Property, column: Sql, now: datetime) -> Sql:
    operator = asked.operator.positive
    if operator is Operator.is_empty:
        return _is_empty(prop, column)
    if operator in VALUE_OPERATORS:
        return _contains(asked.values, prop, column, every=operator is Operator.contains_all)
    if operator in RANGE_OPERATORS:
        return _any_within(_bound(asked.min, prop, ROUND_CEILING), _bound(asked.max, prop, ROUND_FLOOR), prop, column)
    is_past = "_last_" in operator
    start, end = (now - asked.span, now) if is_past else (now, now + asked.span)
    return _any_within(_bound(start, prop, ROUND_CEILING), _bound(end, prop, ROUND_FLOOR), prop, column)


def _is_empty(prop: Property, column: Sql) -> Sql:
    return (
        sql("(coalesce(len({column}), 0) = 0)", column=column)
        if prop.multiple
        else sql("({column} IS NULL)", column=column)
    )


def folded(text: Sql) -> Sql:
    """A text as it is compared: upper and lower case are one, also where a letter has two lower ones."""
    return sql("lower(upper({text}))", text=text)


def _contains(values: Sequence[str | int | Decimal | datetime], prop: Property, column: Sql, *, every: bool) -> Sql:
    """A value that the type cannot hold is one that no profile has."""
    wanted = [value for value in (_value(value, prop) for value in values) if value is not None]
    if not wanted or (every and len(wanted) < len(values)):
        return NEVER
    folds = prop.type in {PropertyType.text, PropertyType.email}
    one = folded if folds else lambda value: value
    if prop.multiple:
        held = sql("list_transform({column}, lambda v: {v})", column=column, v=folded(Sql("v"))) if folds else column
        return sql(
            "coalesce({function}({held}, [{wanted}]), false)",
            function=Sql("list_has_all" if every else "list_has_any"),
            held=held,
            wanted=joined(", ", [one(value) for value in wanted]),
        )
    if every:
        tests = joined(" AND ", [sql("{held} = {v}", held=one(column), v=one(value)) for value in wanted])
        return sql("coalesce({tests}, false)", tests=tests)
    return sql(
        "coalesce({held} IN ({wanted}), false)",
        held=one(column),
        wanted=joined(", ", [one(value) for value in wanted]),
    )


def _value(value: str | int | Decimal | datetime, prop: Property) -> Sql | None:
    """A constant of the property's type; None = no value of that type equals it."""
    if prop.type is PropertyType.datetime:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return literal(in_utc(moment))
    if not prop.is_numeric:
        return literal(str(value))
    exact = Decimal(str(value))
    rounded = _rounded(exact, prop, ROUND_FLOOR)
    return _number(rounded, prop) if rounded == exact and abs(exact) <= _most(prop) else None


def _bound(bound: Decimal | datetime | None, prop: Property, rounding: str) -> Decimal | datetime | None:
    """A bound that the type can hold, so that what fits is the same: lower bounds go up, upper bounds down."""
    if isinstance(bound, datetime):
        return in_utc(bound)
    return None if bound is None else _rounded(bound, prop, rounding)


def _any_within(low: Decimal | datetime | None, high: Decimal | datetime | None, prop: Property, column: Sql) -> Sql:
    """Inclusive; a property with several values fits if one of them does."""
    beyond = _most(prop)
    if (isinstance(low, Decimal) and low > beyond) or (isinstance(high, Decimal) and high < -beyond):
        return NEVER
    value = Sql("v") if prop.multiple else column
    tests = [sql("{v} IS NOT NULL", v=value)]
    for sign, bound in ((Sql(">="), low), (Sql("<="), high)):
        # A bound beyond what the type holds leaves nothing out.
        if isinstance(bound, datetime) or (bound is not None and abs(bound) <= beyond):
            text = literal(bound) if isinstance(bound, datetime) else _number(bound, prop)
            tests.append(sql("{v} {sign} {bound}", v=value, sign=sign, bound=text))
    fits = joined(" AND ", tests)
    if prop.multiple:
        return sql("(coalesce(len(list_filter({c}, lambda v: {fits})), 0) > 0)", c=column, fits=fits)
    return sql("({fits})", fits=fits)


def _most(prop: Property) -> Decimal:
    """The highest number of the type. The lowest whole number is one below its negation; nobody will ask for it."""
    if prop.type is PropertyType.number:
        return Decimal(2**63 - 1)
    return Decimal(10**18 - 1).scaleb(-prop.scale)


def _rounded(number: Decimal, prop: Property, rounding: str) -> Decimal:
    places = 0 if prop.type is PropertyType.number else prop.scale
    if abs(number) > _most(prop):
        return number
    return number.quantize(Decimal(1).scaleb(-places), rounding=rounding)


def _number(number: Decimal, prop: Property) -> Sql:
    return sql("CAST({value} AS {kind})", value=literal(f"{number:f}"), kind=value_type(prop))
