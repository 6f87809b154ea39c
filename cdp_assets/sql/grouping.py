"""The operations of several rows on one profile, composed: see `merging` for the parts they come down to.

Reads   targeted: ordinal, profile_id, o<n> and o<n>_clears of every mapping; t<n> as in `last_changes`
Writes  steps of one row per profile with the parts of each property
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.properties import PropertyType
from cdp_assets.sql.dialect import column_type, first_by, last_by
from cdp_assets.sql.last_changes import acts_of, dated_parts, operations_part
from cdp_assets.sql.text import Sql, Step, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write

ORDER = Sql("ordinal")


def composed(writes: Sequence[Write], *, dated: bool) -> Sql:
    """One row per touched profile, with the parts of every property that one mapping writes.

    `dated`: also those that tell which row changed it last.
    """
    columns = [Sql("profile_id"), Sql("max(ordinal) AS last_ordinal")]
    for write in writes:
        if len(write.mappings) == 1:
            columns += [*_single(write), *(dated_parts(write) if dated else ())]
    return sql("SELECT\n    {columns}\nFROM targeted GROUP BY profile_id", columns=comma(columns))


def _single(write: Write) -> list[Sql]:
    ((number, mapping),) = write.mappings
    value = ident(f"o{number}")
    given = sql("{value} IS NOT NULL", value=value)
    match mapping.rule:
        case Rule.set:
            return [
                sql("count({value}) > 0 AS {name}", value=value, name=write.part("absolute")),
                sql("{last} AS {name}", last=last_by(value, ORDER, given), name=write.part("base")),
            ]
        case Rule.set_or_clear:
            acts = acts_of(number, mapping.rule)
            return [
                sql("bool_or({acts}) AS {name}", acts=acts, name=write.part("absolute")),
                sql("{last} AS {name}", last=last_by(value, ORDER, acts), name=write.part("base")),
            ]
        case Rule.set_if_empty:
            return [sql("{first} AS {name}", first=first_by(value, ORDER, given), name=write.part("first"))]
        case Rule.sum:
            return [sql("sum({value}) AS {name}", value=value, name=write.part("more"))]
        case Rule.patch:
            listed = sql("list({v} ORDER BY {order}) FILTER (WHERE {given})", v=value, order=ORDER, given=given)
            return [sql("{listed} AS {name}", listed=listed, name=write.part("more"))]
        case Rule.add:
            return [sql("{all} AS {name}", all=_gathered(value, given, ORDER), name=write.part("more"))]


def _gathered(value: Sql, given: Sql, order: Sql) -> Sql:
    return sql("flatten(list({value} ORDER BY {order}) FILTER (WHERE {given}))", value=value, order=order, given=given)


def mixed(write: Write, *, dated: bool) -> list[Step]:
    """The parts of a property that several mappings write, worked out on its operations one under the other."""
    kinds = column_type(write.prop)
    rows = []
    for place, (number, mapping) in enumerate(write.mappings):
        value = ident(f"o{number}")
        rows.append(
            sql(
                "SELECT profile_id, ordinal, {place} AS place, {rule} AS rule, {value}::{kind} AS value"
                " FROM targeted WHERE {acts}",
                place=literal(place),
                rule=literal(str(mapping.rule)),
                value=value,
                kind=kinds,
                acts=acts_of(number, mapping.rule),
            )
        )
    listed, placed, tail = (f"p{write.number}_{name}" for name in ("listed", "placed", "mixed"))
    more = Sql("sum(value) FILTER (WHERE later AND rule = 'sum')")
    if write.prop.multiple:
        more = _gathered(Sql("value"), Sql("later AND rule = 'add'"), Sql("(ordinal, place)"))
    elif write.prop.type is PropertyType.json:
        more = Sql("list(value ORDER BY (ordinal, place)) FILTER (WHERE later AND rule = 'patch')")
    elif not write.prop.is_numeric:
        more = Sql("NULL")
    return [
        Step(listed, joined("\nUNION ALL\n", rows)),
        Step(
            placed,
            sql(
                "SELECT *, coalesce((ordinal, place) > max((ordinal, place)) FILTER"
                " (WHERE rule IN ('set', 'set_or_clear')) OVER (PARTITION BY profile_id), true) AS later FROM {listed}",
                listed=ident(listed),
            ),
        ),
        Step(
            tail,
            sql(
                "SELECT profile_id,"
                " bool_or(rule IN ('set', 'set_or_clear')) AS {absolute},"
                " arg_max(struct_pack(v := value), (ordinal, place)) FILTER"
                " (WHERE rule IN ('set', 'set_or_clear')).v AS {base},"
                " arg_min(struct_pack(v := CASE WHEN rule = 'set_if_empty' THEN value END), (ordinal, place))"
                " FILTER (WHERE later).v AS {first},"
                " {more} AS {more_name}{operations} FROM {placed} GROUP BY profile_id",
                operations=sql(", {all}", all=operations_part(write)) if dated else Sql(""),
                absolute=write.part("absolute"),
                base=write.part("base"),
                first=write.part("first"),
                more=more,
                more_name=write.part("more"),
                placed=ident(placed),
            ),
        ),
    ]
