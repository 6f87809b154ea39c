"""The few expressions whose spelling or meaning differs between SQL engines, by name."""

from __future__ import annotations

from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.clock_changes import repeated_times
from cdp_assets.sql.text import Sql, joined, literal, sql


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
        case PropertyType.json:
            return Sql("JSON")


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


LONG_LIST = 100
"""From this length on, sorting a list beats comparing each of its values with all before."""


def distinct_in_order(values: Sql) -> Sql:
    """A list without repeats, each value at its first place (DuckDB's list_distinct loses the order)."""
    few = sql("list_filter({v}, lambda x, i: list_position({v}, x) = i)", v=values)
    return sql(
        "CASE WHEN len({v}) > {long} THEN {many} ELSE {few} END",
        v=values,
        long=literal(LONG_LIST),
        many=_distinct_of_many(values),
        few=few,
    )


def _distinct_of_many(values: Sql) -> Sql:
    """The same in n log n steps. The names within are such as no table or column has: those would win."""
    sorted_values = sql(
        "list_sort(list_transform({v}, lambda x_, n_: struct_pack(value_ := x_, place_ := n_)))", v=values
    )
    first = Sql("lambda one_, n_: n_ = 1 OR one_.value_ IS DISTINCT FROM all_[n_ - 1].value_")
    placed = Sql("lambda one_: struct_pack(place_ := one_.place_, value_ := one_.value_)")
    return sql(
        "flatten(list_transform([{sorted_values}], lambda all_: list_transform(list_sort(list_transform("
        "list_filter(all_, {first}), {placed})), lambda one_: one_.value_)))",
        sorted_values=sorted_values,
        first=first,
        placed=placed,
    )


def appended(old: Sql, new: Sql) -> Sql:
    """`old` followed by those of `new` that it lacks; NULL counts as empty. Neither repeats a value."""
    before = sql("coalesce({old}, [])", old=old)
    few = sql("list_filter({new}, lambda x: NOT list_contains({before}, x))", new=new, before=before)
    return sql(
        "CASE WHEN len({before}) * len({new}) > {long} * {long} THEN {many} ELSE list_concat({before}, {few}) END",
        before=before,
        new=new,
        long=literal(LONG_LIST),
        many=_distinct_of_many(sql("list_concat({before}, {new})", before=before, new=new)),
        few=few,
    )


def digest64(values: Sql) -> Sql:
    """64 bits of a stable digest of a text; never the engine's own hash, which may change."""
    return sql("md5_number_lower({values})", values=values)


def matches(text: Sql, pattern: str) -> Sql:
    """Whether a text fits a regular expression; the pattern carries its own anchors."""
    return sql("regexp_matches({text}, {pattern})", text=text, pattern=literal(pattern))


def instant(local: Sql, zone: str) -> Sql:
    """The moment a wall clock in `zone` shows.

    A time skipped in spring moves forward by the gap; of a time shown twice in autumn the first moment counts.
    """
    if zone in {"UTC", "Etc/UTC"}:
        # Ten times as fast as the engine's own conversion.
        return sql("make_timestamptz(epoch_us({local}))", local=local)
    repeated = repeated_times(zone)
    if not repeated.hours:
        return sql("timezone({zone}, {local})", zone=literal(zone), local=local)
    # The engine takes the second moment; the first one is where the clock of the day before still runs on.
    # Finding it costs four times as much, so it is looked for only where there can be one.
    return sql(
        "list_transform([{local}], lambda w: CASE WHEN month(w) IN ({months}) AND hour(w) IN ({hours}) THEN"
        " list_transform([timezone({zone}, w - INTERVAL 1 DAY) + INTERVAL 24 HOUR],"
        " lambda m: CASE WHEN timezone({zone}, m) = w THEN m ELSE timezone({zone}, w) END)[1]"
        " ELSE timezone({zone}, w) END)[1]",
        zone=literal(zone),
        local=local,
        months=joined(", ", map(literal, sorted(repeated.months))),
        hours=joined(", ", map(literal, sorted(repeated.hours))),
    )


def day_of(moment: Sql, zone: str) -> Sql:
    """The day that a calendar in `zone` shows at a moment, as that day's midnight in UTC."""
    local = sql("timezone({zone}, {moment})", zone=literal(zone), moment=moment)
    return instant(sql("date_trunc('day', {local})", local=local), "UTC")


def to_milliseconds(moment: Sql) -> Sql:
    """A moment without what is below its milliseconds; rounds down, also before 1970.

    The engine's date_trunc of a TIMESTAMPTZ asks a calendar and takes ten times as long as that of a TIMESTAMP;
    no time zone moves a clock by a part of a millisecond, so both cut the same.
    """
    clock = sql("make_timestamp(epoch_us({moment}))", moment=moment)
    return sql("make_timestamptz(epoch_us(date_trunc('milliseconds', {clock})))", clock=clock)


JSON_LEVELS = 5
"""Objects inside each other at most, whose keys are put in order."""


def sorted_json(value: Sql, levels: int = JSON_LEVELS) -> Sql:
    """A JSON value as text with the keys of its objects in order, so that equal values are equal texts.

    Objects inside lists, and below `levels` objects, stay as they are.
    """
    if not levels:
        return sql("({value})::VARCHAR", value=value)
    entry = Sql(f"entry{levels}")
    inner = sorted_json(sql("{entry}.value", entry=entry), levels - 1)
    return sql(
        "CASE WHEN starts_with({value}::VARCHAR, '{{') THEN '{{' || array_to_string(list_transform("
        "list_sort(map_entries({value}::MAP(VARCHAR, JSON))), lambda {entry}:"
        " to_json({entry}.key)::VARCHAR || ':' || {inner}), ',') || '}}' ELSE {value}::VARCHAR END",
        value=value,
        entry=entry,
        inner=inner,
    )


def has_unique_keys(value: Sql, levels: int = JSON_LEVELS) -> Sql:
    """Whether no object names a key twice; what is inside lists, and below `levels` objects, is not looked at."""
    keys, one = Sql(f"keys{levels}"), Sql(f"one{levels}")
    own = sql(
        "list_transform([json_keys({value})], lambda {keys}: len({keys}) = len(list_distinct({keys})))[1]",
        value=value,
        keys=keys,
    )
    if levels > 1:
        own = sql(
            "{own} AND (NOT contains(substr({value}::VARCHAR, 2), '{{')"
            " OR coalesce(list_bool_and(list_transform(json_extract({value}, '$.*'), lambda {one}: {inner})), true))",
            own=own,
            value=value,
            one=one,
            inner=has_unique_keys(one, levels - 1),
        )
    return sql("(NOT starts_with({value}::VARCHAR, '{{') OR ({own}))", value=value, own=own)


def patched(old: Sql, patches: Sql) -> Sql:
    """An object after a list of patches, one after the other: each sets its fields, those of inner objects too.

    The engine puts the fields of a patch, in their order, behind those that the object has alone. So where the last
    patch names every field, which rows of the same columns do, the outcome is its own text, whose keys are in order
    already; to put them in order costs ten times as much as to patch.
    """
    merged = sql(
        "list_reduce({patches}, lambda upon, patch: json_merge_patch(upon, patch), coalesce({old}, '{{}}'::JSON))",
        old=old,
        patches=patches,
    )
    ordered = sql(
        "list_transform([{merged}], lambda whole: CASE WHEN whole::VARCHAR = ({patches}[-1])::VARCHAR THEN whole"
        " ELSE ({all})::JSON END)[1]",
        merged=merged,
        patches=patches,
        all=sorted_json(Sql("whole")),
    )
    return sql(
        "CASE WHEN {old} IS NULL AND len({patches}) = 1 THEN {patches}[1] ELSE {ordered} END",
        old=old,
        patches=patches,
        ordered=ordered,
    )


UUID_NAMESPACE = "5f9c1b7a4f0e5c0a9d3c6e2b8a714d55"
"""Namespace of all profile ids, as hex; changing it would change every id."""


def uuid5(name: Sql) -> Sql:
    """RFC 4122 version 5 UUID of a text, in our namespace. Setting its marks as bits is faster than as text."""
    digest = sql("sha1(unhex({space}) || encode({name}))", space=literal(UUID_NAMESPACE), name=name)
    kept, marks = (sql("{bits}::BIT", bits=literal(f"{number:0128b}")) for number in (_KEPT, _MARKS))
    return sql(
        "((unhex(left({digest}, 32))::BIT & {kept}) | {marks})::BLOB::UUID", digest=digest, kept=kept, marks=marks
    )


_MARKS = 0x5 << 76 | 0b10 << 62
"""Version and variant, where they stand in a UUID."""
_KEPT = (1 << 128) - 1 & ~(0xF << 76 | 0b11 << 62)
