"""Whether a profile meets a condition, in plain Python and in the YAML's terms.

A profile maps properties to a value, a list of values, or None. Text and e-mail compare without regard to case;
numbers and moments by their value. Moments without a zone are in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal


def meets(condition, profile, types, now, members):
    """`types`: property to its type; `members`: segment to whether this profile is in it."""
    if "all" in condition:
        return all(meets(part, profile, types, now, members) for part in condition["all"])
    if "any" in condition:
        return any(meets(part, profile, types, now, members) for part in condition["any"])
    if "not" in condition:
        return not meets(condition["not"], profile, types, now, members)
    if "segment" in condition:
        return members[condition["segment"]]
    if "inverse_of" in condition:
        return not members[condition["inverse_of"]]
    if "event" in condition:
        return has_events(condition["event"], profile["events"], types["events"], now)
    if "group" in condition:
        return has_groups(condition["group"], profile["groups"], types["groups"], now)
    return fits(condition, "property", profile, types, now)


def fits(question, key, row, types, now):
    """Whether the values of one property or field of a row are what a question asks for."""
    held = row[question[key]]
    values = held if isinstance(held, list) else [] if held is None else [held]
    return answers({name: value for name, value in question.items() if name != key}, values, types[question[key]], now)


def has_events(test, events, types, now):
    """`events`: of one type, each a mapping with its items as lists of mappings."""
    dates = [{"field": "date", key: test[key]} for key in ("in_last_days", "in_last_hours", "in_range") if key in test]

    def items(event, nested, where):
        return [item for item in event[nested] if all(fits(one, "field", item, types[nested], now) for one in where)]

    found = [
        event
        for event in events
        if all(fits(one, "field", event, types, now) for one in [*test.get("where", []), *dates])
        and all(items(event, item["of"], item["where"]) for item in test.get("items", []))
    ]
    if not within(len(found), test.get("count", {"at_least": 1})):
        return False
    if "sum" not in test:
        return True
    total = test["sum"]
    if "of" in total:
        where = [one for item in test.get("items", []) if item["of"] == total["of"] for one in item["where"]]
        found = [item for event in found for item in items(event, total["of"], where)]
    return within(sum((row[total["field"]] or 0 for row in found), Decimal(0)), total)


def has_groups(test, groups, types, now):
    """`groups`: those of one type the profile belongs to, each once."""
    found = [
        group for group in groups if all(fits(one, "property", group, types, now) for one in test.get("where", []))
    ]
    return within(len(found), test.get("count", {"at_least": 1}))


def within(number, limits):
    """Whether a number keeps to limits, both included."""
    low, high = (None if limits.get(key) is None else Decimal(str(limits[key])) for key in ("at_least", "at_most"))
    return (low is None or number >= low) and (high is None or number <= high)


def answers(question, values, kind, now):
    """Whether values are what a question asks for."""
    operator, operand = asked(question)
    if operator.startswith("not_"):
        return not answers({operator.removeprefix("not_"): operand}, values, kind, now)
    if operator == "is_empty":
        return not values
    if operator.startswith("contains"):
        held = {comparable(value, kind) for value in values}
        wanted = {comparable(value, kind) for value in operand}
        return wanted <= held if operator == "contains_all" else bool(wanted & held)
    if operator == "in_range":
        low, high = (None if operand.get(key) is None else comparable(operand[key], kind) for key in ("min", "max"))
    else:
        span = timedelta(**{operator.split("_")[2]: operand})
        low, high = (now - span, now) if "_last_" in operator else (now, now + span)
    return any(
        (low is None or low <= comparable(value, kind)) and (high is None or comparable(value, kind) <= high)
        for value in values
    )


def asked(question):
    """Operator and operand, from either way of writing a question."""
    rest = dict(question)
    if "operator" not in rest and "values" not in rest:
        ((operator, operand),) = rest.items()
        return operator, operand
    operator = rest.pop("operator", "contains_any")
    if "contains" in operator:
        return operator, rest["values"]
    if operator.endswith("in_range"):
        return operator, rest
    return operator, rest.get("days", rest.get("hours", True))


def comparable(value, kind):
    """A value in the form in which it equals others that mean the same."""
    if kind in {"number", "decimal", "currency"}:
        return Decimal(str(value))
    if kind == "datetime":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return "".join(_one_case(sign) for sign in str(value))


def _one_case(sign):
    """A letter in small: of all letters that share one capital the same. One that has no single capital stays."""
    capital = sign.upper() if len(sign.upper()) == 1 else sign
    return "i" if capital == "\u0130" else capital.lower()
