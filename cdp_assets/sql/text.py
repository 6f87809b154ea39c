"""SQL as text that cannot be mixed up with data, and chains of named steps.

Values enter a statement through `ident` and `literal` only; `sql` fills the holes of a constant template
with text that has already passed one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

_CONTROL = re.compile(r"[\x00-\x1f]")


class Sql(str):
    """Text that may be run: made by this module's functions, or a constant in the source."""

    __slots__ = ()


@dataclass(frozen=True)
class Step:
    """One SELECT with one job, named for its rows."""

    name: str
    query: Sql


def ident(*parts: str) -> Sql:
    """A quoted identifier, dotted where there are several parts; whatever it holds, it stays a name."""
    for part in parts:
        if not part or _CONTROL.search(part):
            message = f"not a usable SQL name: {part!r}"
            raise ValueError(message)
    return Sql(".".join('"' + part.replace('"', '""') + '"' for part in parts))


def literal(value: str | int | Decimal | bool | datetime | None) -> Sql:
    """A constant. Control characters are spelled out, so that no statement holds a raw newline of a value."""
    if value is None:
        return Sql("NULL")
    if isinstance(value, bool):
        return Sql("true" if value else "false")
    if isinstance(value, int | Decimal):
        return Sql(f"{value:f}" if isinstance(value, Decimal) else str(value))
    if isinstance(value, datetime):
        return Sql(f"TIMESTAMPTZ '{value.isoformat()}'")
    quoted = "'" + value.replace("'", "''") + "'"
    spelled = _CONTROL.sub(lambda found: f"' || chr({ord(found[0])}) || '", quoted)
    return Sql(quoted if spelled == quoted else f"({spelled})")


def sql(template: str, **holes: Sql) -> Sql:
    """Fills the `{holes}` of a constant template; refuses anything that is not already Sql."""
    for name, hole in holes.items():
        if not isinstance(hole, Sql):
            message = f"the hole {name!r} holds unchecked text; pass it through ident or literal"
            raise TypeError(message)
    return Sql(template.format(**holes).strip())


def comma(parts: Iterable[Sql]) -> Sql:
    """The parts as a list, one a line."""
    return Sql(",\n    ".join(parts))


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts with a constant such as ` AND ` between them."""
    return Sql(separator.join(parts))


def chain(steps: Sequence[Step], final: Sql | None = None) -> Sql:
    """The steps as one WITH; the last one, or `final`, is the result."""
    *earlier, last = steps
    if final is not None:
        earlier, body = list(steps), final
    else:
        body = last.query
    if not earlier:
        return body
    parts = [f"{ident(step.name)} AS (\n{step.query}\n)" for step in earlier]
    return Sql("WITH " + ",\n".join(parts) + f"\n{body}")
