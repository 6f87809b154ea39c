"""From the text of a cell to the values it brings, by the rules of the property's type."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from cdp_assets_tests.oracle.described import Property

EXACT = Context(prec=1000)
LARGEST_INTEGER, SMALLEST_INTEGER = 2**63 - 1, -(2**63)
DECIMAL_DIGITS = 18
LONGEST_TEXT = 65_000


@dataclass(frozen=True)
class Said:
    """What a cell says: its valid values in order, and whether something in it was not valid."""

    values: tuple[Any, ...]
    invalid: bool

    @property
    def empty(self) -> bool:
        return not self.values and not self.invalid


def said(cell: str, prop: Property, rule: str, separator: str = "|", point: str = ".") -> Said:
    """Splits the cell where the property, or `sum`, takes several values; drops what is not valid.

    Blanks around a cell mean something only where it was quoted and is a text.
    """
    if prop.multiple or rule == "sum":
        parts = [part.strip(" \t") for part in cell.split(separator)]
    else:
        parts = [cell if prop.type == "text" else cell.strip(" \t")]
    parts = [part for part in parts if part]
    values = [value_of(part, prop, point) for part in parts]
    valid = [value for value in values if value is not None]
    if rule == "sum" and valid:
        total = in_range(sum(valid), prop)
        return Said(() if total is None else (total,), total is None or len(valid) < len(values))
    return Said(tuple(dict.fromkeys(valid)), len(valid) < len(values))


def value_of(text: str, prop: Property, point: str = ".") -> Any:
    """The value of a text that is not empty; None if it is not valid for the type."""
    match prop.type:
        case "text":
            return text if len(text) <= LONGEST_TEXT else None
        case "email":
            return email(text)
        case "choice":
            return next((choice for choice in prop.choices if choice.lower() == text.lower()), None)
        case "number":
            number = numeric(text, point)
            whole = number is not None and number == number.to_integral_value(context=EXACT)
            return in_range(int(number), prop) if number is not None and whole else None
        case "decimal":
            number = numeric(text, point)
            return None if number is None else in_range(rounded(number, prop.scale), prop)
        case "datetime":
            return moment(text)
    raise AssertionError(prop.type)


def numeric(text: str, point: str = ".") -> Decimal | None:
    """A number with grouping signs at every third digit, or with none."""
    group = "," if point == "." else "."
    found = re.fullmatch(rf"([-+]?)([0-9{re.escape(group)}]+)(?:{re.escape(point)}([0-9]+))?", text)
    if found is None:
        return None
    sign, before, after = found.groups()
    head, *tail = before.split(group)
    if not head or (tail and (len(head) > 3 or any(len(part) != 3 for part in tail))):
        return None
    return Decimal(f"{sign}{head}{''.join(tail)}.{after or '0'}")


def rounded(number: Decimal, scale: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN, context=EXACT)


def in_range(number: Any, prop: Property) -> Any:
    """The number if a property of this type can hold it."""
    if prop.type == "number":
        return number if SMALLEST_INTEGER <= number <= LARGEST_INTEGER else None
    return number if abs(number).scaleb(prop.scale, context=EXACT) < 10**DECIMAL_DIGITS else None


def email(text: str) -> str | None:
    """Lower case; None unless it looks like local.part@some.domain."""
    local, sign, domain = text.partition("@")
    atoms, labels = local.split("."), domain.split(".")
    if not sign or len(text) > 254 or len(labels) < 2:
        return None
    if not all(atom and all(letter(char) or char in "!#$%&'*+/=?^_`{|}~-" for char in atom) for atom in atoms):
        return None
    for label in labels:
        if not 1 <= len(label) <= 63 or not all(letter(char) or char == "-" for char in label):
            return None
        if label.startswith("-") or label.endswith("-"):
            return None
    return text.lower() if len(labels[-1]) >= 2 else None


def letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


def moment(text: str) -> datetime | None:
    """An ISO date, with or without a time of day, in UTC."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
