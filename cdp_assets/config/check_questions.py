"""What a question asks of a property, or a field, must fit its type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from cdp_assets.config.known import Place, listed
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.config.questions import Asked, Question, operators_of

A_TIME = "a date and time such as 2026-01-31T00:00:00Z"


def question_places(question: Question, prop: Property) -> Iterator[Place]:
    """What does not fit the type of the property, or field, that is asked."""
    asked = question.asked
    accepted = operators_of(prop.type)
    if asked.operator not in accepted:
        kinds = [kind for kind in PropertyType if asked.operator in operators_of(kind)]
        needs = f"{asked.operator} needs a property of type {listed(sorted(kinds))}"
        told = listed(sorted(accepted))
        yield (question.place,), f"{needs}; {prop.name!r} is {prop.type}; accepted: {told}"
        return
    inside = () if question.place in {"operator", "values"} else (question.place,)
    yield from ((((*inside, *where), message)) for where, message in _bounds(asked, prop))
    values = inside or ("values",)
    yield from ((((*values, index)), message) for index, message in _values(asked, prop))


def _bounds(asked: Asked, prop: Property) -> Iterator[Place]:
    wants_time = prop.type is PropertyType.datetime
    example = A_TIME if wants_time else "a number such as 100"
    for key, bound in (("min", asked.min), ("max", asked.max)):
        if bound is not None and isinstance(bound, datetime) != wants_time:
            yield (key,), f"{key} must be {example}; {prop.name!r} is {prop.type}"


def _values(asked: Asked, prop: Property) -> Iterator[tuple[int, str]]:
    for index, value in enumerate(asked.values):
        if prop.is_numeric and not _is_number(value):
            yield index, f"{str(value)!r} is no number; {prop.name!r} is {prop.type}"
        elif prop.type is PropertyType.datetime and not _is_time(value):
            yield index, f"{str(value)!r} is not {A_TIME}; {prop.name!r} is {prop.type}"
        elif isinstance(value, datetime) and prop.type is not PropertyType.datetime:
            yield index, f"put {value:%Y-%m-%d} in quotes as it stands in the data; {prop.name!r} is {prop.type}"
        elif prop.choices and str(value).lower() not in map(str.lower, prop.choices):
            yield index, f"{prop.name!r} is never {str(value)!r}; its choices: {listed(prop.choices)}"


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, datetime) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, datetime) or bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False
