"""The few expressions whose spelling or meaning differs between SQL engines, by name."""

from __future__ import annotations

from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.text import Sql, literal, sql


def value_type(prop: Property) -> Sql:
    """The type of one value of a property."""
    match prop.type:
        case PropertyType.text | PropertyType.email:
            return Sql("VARCHAR")
        case PropertyType.number:
            return Sql("BIGINT")
        case PropertyType.decimal | PropertyType.currency:
            return Sql(f"DECIMAL(18, {prop.scale})")
        case PropertyType.datetime:
            return Sql("TIMESTAMPTZ")


def column_type(prop: Property) -> Sql:
    """The type of a property's column in `profiles`: a LIST where it holds several values."""
    return Sql(f"{value_type(prop)}[]") if prop.multiple else value_type(prop)


def last_by(value: Sql, position: Sql, where: Sql) -> Sql:
    """The value of the latest row that fits; positions are unique, so there are no ties."""
    return sql(
        "arg_max(struct_pack(v := {value}), {position}) FILTER (WHERE {where}).v",
        value=value,
        position=position,
        where=where,
    )


def first_by(value: Sql, position: Sql, where: Sql) -> Sql:
    """The value of the earliest row that fits."""
    return sql(
        "arg_min(struct_pack(v := {value}), {position}) FILTER (WHERE {where}).v",
        value=value,
        position=position,
        where=where,
    )


def distinct_in_order(values: Sql) -> Sql:
    """A list without repeats, each value at its first place (DuckDB's list_distinct loses the order)."""
    return sql("list_filter({v}, lambda x, i: list_position({v}, x) = i)", v=values)


def appended(old: Sql, new: Sql) -> Sql:
    """`old` followed by those of `new` that it lacks; NULL counts as empty."""
    return sql(
        "list_concat(coalesce({old}, []), list_filter({new}, lambda x: NOT list_contains(coalesce({old}, []), x)))",
        old=old,
        new=new,
    )


def digest64(values: Sql) -> Sql:
    """64 bits of a stable digest of a text; never the engine's own hash, which may change."""
    return sql("md5_number_lower({values})", values=values)


def instant(local: Sql, zone: str) -> Sql:
    """The moment a wall clock in `zone` shows; a time skipped in spring moves forward by the gap."""
    return sql("timezone({zone}, {local})", zone=literal(zone), local=local)


UUID_NAMESPACE = "5f9c1b7a4f0e5c0a9d3c6e2b8a714d55"
"""Namespace of all profile ids, as hex; changing it would change every id."""


def uuid5(name: Sql) -> Sql:
    """RFC 4122 version 5 UUID of a text, in our namespace."""
    digest = sql("sha1(unhex({space}) || encode({name}))", space=literal(UUID_NAMESPACE), name=name)
    return sql(
        "list_transform([{digest}], lambda h: substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-5' || substr(h, 14, 3)"
        " || '-' || substr('89ab', (('0x' || substr(h, 17, 1))::INTEGER % 4) + 1, 1) || substr(h, 18, 3)"
        " || '-' || substr(h, 21, 12))[1]::UUID",
        digest=digest,
    )
