"""Which row of a pass was the last that changed a record, as if its rows were applied one after the other.

`last_modified_date` is the date of that row's file, wherever the passes are cut: a row that gives what is there
already changes nothing, and one that takes a value back does, though the record is then as it was before. Only
records with several rows need any of this: the row of the others is the last of its kind.

What the rows of a pass say of a property comes down to
    changed  the last row that gave something else than the row before it did; NULL = they all gave the same
    begun    the first that gave anything: it counts if that is not what was there
or, where several values or rules meet, to a list of operations that is gone through once what was there is known.

Reads   acting: the rows of `targeting.targeted`
Writes  parts of each property beside those of `merging`
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.sql.dialect import appended, column_type
from cdp_assets.sql.objectives import LISTS, last_decision
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write

_SETTING = frozenset({Rule.set, Rule.set_or_clear})
_NO_ROW = literal(-1)


def rows_in_turn(writes: Sequence[Write]) -> Sql:
    """The rows that act, and per mapping that sets, t<n>: whether the row before gave something else."""
    turns = []
    for write in writes:
        if len(write.mappings) == 1 and write.rules <= _SETTING:
            ((number, mapping),) = write.mappings
            value, acts = ident(f"o{number}"), acts_of(number, mapping.rule)
            before = sql(
                "lag(CASE WHEN {acts} THEN struct_pack(v := {v}) END IGNORE NULLS) OVER one", acts=acts, v=value
            )
            turns.append(
                sql(
                    "{acts} AND {before} IS NOT NULL AND ({before}).v IS DISTINCT FROM {value} AS {name}",
                    acts=acts,
                    before=before,
                    value=value,
                    name=ident(f"t{number}"),
                )
            )
    return sql(
        "SELECT {columns} FROM acting WINDOW one AS (PARTITION BY profile_id ORDER BY ordinal)",
        columns=comma([Sql("*"), *turns]),
    )


def acts_of(number: int, rule: Rule) -> Sql:
    """Whether a row's operation of this mapping does anything."""
    given = sql("{value} IS NOT NULL", value=ident(f"o{number}"))
    if rule is not Rule.set_or_clear:
        return given
    return sql("({given} OR {clears})", given=given, clears=ident(f"o{number}_clears"))


def dated_parts(write: Write) -> list[Sql]:
    """Of a property that one mapping writes, what tells the row that changed it last."""
    ((number, mapping),) = write.mappings
    value, acts = ident(f"o{number}"), acts_of(number, mapping.rule)
    begun = sql("min(ordinal) FILTER (WHERE {acts}) AS {name}", acts=acts, name=write.part("begun"))
    match mapping.rule:
        case Rule.set | Rule.set_or_clear:
            other = ident(f"t{number}")
        case Rule.sum:
            other = sql("{value} <> 0", value=value)
        case Rule.set_if_empty:
            return [begun]
        case Rule.add:
            rows = sql("list_transform({value}, lambda each_: ordinal)", value=value)
            listed = sql("flatten(list({rows} ORDER BY ordinal) FILTER (WHERE {acts}))", rows=rows, acts=acts)
            return [sql("{listed} AS {name}", listed=listed, name=write.part("rows"))]
        case Rule.patch:
            listed = sql("list(ordinal ORDER BY ordinal) FILTER (WHERE {acts})", acts=acts)
            return [sql("{listed} AS {name}", listed=listed, name=write.part("rows"))]
    return [begun, sql("max(ordinal) FILTER (WHERE {other}) AS {name}", other=other, name=write.part("changed"))]


def operations_part(write: Write) -> Sql:
    """The same where several mappings write it: their operations in order."""
    return sql(
        "list(struct_pack(value := value, rule := rule, at := ordinal, before := NULL::{kind}, changed := NULL::BIGINT)"
        " ORDER BY (ordinal, place)) AS {name}",
        kind=column_type(write.prop),
        name=write.part("operations"),
    )


def last_change(writes: Sequence[Write], old: dict[str, Sql], new: dict[str, Sql]) -> Sql:
    """The last row that changed one of the properties, by the parts of its record; NULL = none did.

    `old`, `new`: what each held before the pass, and holds after it. `parts.last_ordinal` is of the record's last row.
    """
    found = [_last_change(write, old[write.prop.name], new[write.prop.name]) for write in writes]
    lists = [write.prop.name for write in writes if write.prop.name in LISTS]
    if lists:
        found.append(last_decision(*(old[name] for name in LISTS)))
    return sql("greatest({found})", found=comma([*found, Sql("NULL::BIGINT")]))


def _last_change(write: Write, old: Sql, new: Sql) -> Sql:
    if write.prop.name in LISTS:
        return Sql("NULL::BIGINT")
    if len(write.mappings) > 1:
        return _last_operation(write, old)
    first = sql("coalesce({begun}, parts.last_ordinal)", begun=write.part("begun"))
    ((_, mapping),) = write.mappings
    if mapping.rule is Rule.add:
        rows, more = write.part("rows"), write.part("more")
        first = sql(
            "coalesce({rows}[list_position({more}, {new}[-1])], parts.last_ordinal)", rows=rows, more=more, new=new
        )
    elif mapping.rule is Rule.patch:
        return _last_patch(write, old, new)
    begun = sql("CASE WHEN {new} IS DISTINCT FROM {old} THEN {first} END", new=new, old=old, first=first)
    if mapping.rule in {Rule.add, Rule.set_if_empty}:
        return begun
    return sql("coalesce({changed}, {begun})", changed=write.part("changed"), begun=begun)


def _last_patch(write: Write, old: Sql, new: Sql) -> Sql:
    """Goes through the patches; what has no list of them had one row."""
    after = Sql("json_merge_patch(upon_.doc, one_.doc)")
    steps = sql(
        "list_transform({patches}, lambda doc_, n_: struct_pack(doc := doc_, at := {rows}[n_],"
        " changed := NULL::BIGINT))",
        patches=write.part("more"),
        rows=write.part("rows"),
    )
    walked = sql(
        "list_reduce({steps}, lambda upon_, one_: struct_pack(doc := {after}, at := one_.at, changed :="
        " CASE WHEN {after} IS DISTINCT FROM upon_.doc THEN one_.at ELSE upon_.changed END),"
        " struct_pack(doc := coalesce({old}, '{{}}'::JSON), at := {none}, changed := NULL::BIGINT)).changed",
        steps=steps,
        after=after,
        old=old,
        none=_NO_ROW,
    )
    return sql(
        "CASE WHEN {rows} IS NOT NULL THEN coalesce({walked}, CASE WHEN {old} IS NULL THEN {rows}[1] END)"
        " WHEN {new} IS DISTINCT FROM {old} THEN parts.last_ordinal END",
        rows=write.part("rows"),
        walked=walked,
        old=old,
        new=new,
    )


def _last_operation(write: Write, old: Sql) -> Sql:
    """Goes through the operations of several mappings; a row counts if it changes the property, not each of them."""
    value = Sql("upon_.value")
    cases = {
        Rule.set: Sql("one_.value"),
        Rule.set_or_clear: Sql("one_.value"),
        Rule.set_if_empty: Sql("coalesce(upon_.value, one_.value)"),
        Rule.sum: sql("(coalesce({v}, 0) + one_.value)::{kind}", v=value, kind=column_type(write.prop)),
        Rule.add: appended(value, Sql("one_.value")),
    }
    after = joined(
        " ",
        [sql("WHEN {rule} THEN {value}", rule=literal(str(rule)), value=cases[rule]) for rule in sorted(write.rules)],
    )
    walked = sql(
        "list_reduce({steps}, lambda upon_, one_: struct_pack(value := CASE one_.rule {after} END, rule := one_.rule,"
        " at := one_.at, before := CASE WHEN one_.at = upon_.at THEN upon_.before ELSE upon_.value END, changed :="
        " CASE WHEN one_.at <> upon_.at AND upon_.value IS DISTINCT FROM upon_.before THEN upon_.at"
        " ELSE upon_.changed END), struct_pack(value := {old}, rule := '', at := {none}, before := {old},"
        " changed := NULL::BIGINT))",
        steps=write.part("operations"),
        after=after,
        old=old,
        none=_NO_ROW,
    )
    return sql(
        "list_transform([{walked}], lambda end_: CASE WHEN end_.value IS DISTINCT FROM end_.before THEN end_.at"
        " ELSE end_.changed END)[1]",
        walked=walked,
    )
