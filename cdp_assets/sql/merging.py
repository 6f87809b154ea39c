"""What the rows of a pass do to each profile: their operations composed, then applied once.

A property's operations in order (spec.md 1.3) come down to four parts, whatever their number:
    absolute  the last `set`, or `set_or_clear`, decides: everything before it is void
    base      the value it gave; NULL = it cleared
    first     the value of a `set_if_empty` that comes before any later operation: it counts if base is empty
    more      what `add` (a list) or `sum` (a number) bring afterwards
so  after = more upon (base or first).

Reads   batch_rows, applied, key_targets (identity), main.profiles
Writes  (temporary) changes: profile_id, is_new, changed, first_ordinal, last_ordinal, created_by_… and
        p<n>_new, the value of the n-th written property afterwards
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.goals import Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import appended, column_type, distinct_in_order
from cdp_assets.sql.grouping import composed, mixed
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write


@dataclass(frozen=True)
class Touched:
    """What is known of the rows of a pass before their changes are worked out."""

    counted: dict[int, frozenset[int]]
    """Mapping → groups of earlier full files it is old for."""
    refused: frozenset[int]
    """Places of identifiers some of whose values another profile holds (`id_refused`)."""
    repeated: bool
    """Whether some profile is the target of several rows: those stand in the table `repeated`."""


def changes_table(config: BatchConfig, writes: Sequence[Write], touched: Touched) -> Sql:
    """The profiles the pass touches, as they are afterwards.

    A profile with one row needs no grouping, which is what costs most; only those in `repeated` are grouped.
    Where several mappings meet on a property, all are.
    """
    grouped = any(len(write.mappings) > 1 for write in writes)
    steps: list[Step] = []
    sources = []
    if touched.repeated or grouped:
        only = Sql("" if grouped else " SEMI JOIN repeated USING (profile_id)")
        steps += _grouped_steps(config, writes, touched, only)
        sources.append(Sql("FROM before"))
    if not grouped:
        only = Sql(" ANTI JOIN repeated USING (profile_id)" if touched.repeated else "")
        steps += _once_steps(config, writes, touched, only)
        sources.append(Sql("FROM before_once"))
    steps.append(Step("all_before", joined(" UNION ALL BY NAME ", sources)))
    after = [sql("{value} AS {name}", value=_after(write), name=write.part("new")) for write in writes]
    olds = [sql("{old}", old=write.part("old")) for write in writes]
    columns = comma([*after, *olds])
    steps.append(Step("after", sql("SELECT {facts},\n    {columns}\nFROM all_before", facts=FACTS, columns=columns)))
    differs = [sql("{new} IS DISTINCT FROM {old}", new=write.part("new"), old=write.part("old")) for write in writes]
    names = [write.part("new") for write in writes]
    final = sql(
        "SELECT {columns}, is_new OR {differs} AS changed FROM after",
        columns=comma([FACTS, *names]),
        differs=joined(" OR ", differs) if differs else Sql("false"),
    )
    return sql("CREATE OR REPLACE TEMP TABLE changes AS\n{query}", query=chain(steps, final))


def _targeted(config: BatchConfig, writes: Sequence[Write], touched: Touched, columns: Sql, only: Sql) -> Sql:
    """The rows that act and have a profile, with the operation of each mapping."""
    full = not config.goal.files.delta
    places = {item.property: place for place, item in enumerate(config.goal.identifier_columns)}
    operations = [
        column
        for write in writes
        for place in [places.get(write.prop.name)]
        for column in _operations(write, touched.counted if full else {}, place if place in touched.refused else None)
    ]
    refusals = [
        sql(
            "LEFT JOIN id_refused AS {name} ON {name}.value = batch_rows.identifier AND {name}.place = {place}",
            name=_refused(place),
            place=literal(place),
        )
        for place in sorted(touched.refused)
    ]
    return sql(
        "SELECT {columns},\n    {operations}\nFROM batch_rows{applied}"
        " JOIN (FROM key_targets{only} WHERE profile_id IS NOT NULL) AS target ON target.value = batch_rows.identifier"
        " {refusals}",
        columns=columns,
        refusals=joined(" ", refusals),
        operations=comma(operations) if operations else Sql("NULL AS nothing"),
        applied=Sql(" JOIN applied USING (ordinal)") if full else Sql(""),
        only=only,
    )


def _grouped_steps(config: BatchConfig, writes: Sequence[Write], touched: Touched, only: Sql) -> list[Step]:
    """Profiles of any number of rows, each with the parts of its operations and its old values."""
    columns = Sql("ordinal, profile_id")
    steps = [
        Step("targeted", _targeted(config, writes, touched, columns, only)),
        Step("composed", composed(writes)),
    ]
    for write in writes:
        if len(write.mappings) > 1:
            steps += mixed(write)
    return [*steps, Step("before", _before(config, writes))]


def _once_steps(config: BatchConfig, writes: Sequence[Write], touched: Touched, only: Sql) -> list[Step]:
    """The same of profiles with one row each."""
    facts = Sql(
        "profile_id, is_new, first_ordinal, ordinal AS last_ordinal, created_by_number, created_by_property,"
        " created_by_value"
    )
    parts = [column for write in writes for column in _once(write)]
    rows = sql(
        "SELECT {facts},\n    {parts}\nFROM targeted_once", facts=FACTS, parts=comma(parts or [Sql("NULL AS nothing")])
    )
    return [
        Step("targeted_once", _targeted(config, writes, touched, facts, only)),
        Step("once", rows),
        Step(
            "before_once",
            sql(
                "SELECT once.*,\n    {olds}\nFROM once LEFT JOIN main.profiles AS old USING (profile_id)",
                olds=_olds(config, writes, "once"),
            ),
        ),
    ]


FACTS = Sql("profile_id, is_new, first_ordinal, last_ordinal, created_by_number, created_by_property, created_by_value")


def _once(write: Write) -> list[Sql]:
    """The parts of a property that a single row makes."""
    ((number, mapping),) = write.mappings
    value = ident(f"o{number}")
    given = sql("{value} IS NOT NULL", value=value)
    if mapping.rule is Rule.set_or_clear:
        given = sql("({given} OR {clears})", given=given, clears=ident(f"o{number}_clears"))
    if mapping.rule in {Rule.set, Rule.set_or_clear}:
        return [
            sql("{given} AS {name}", given=given, name=write.part("absolute")),
            sql("{value} AS {name}", value=value, name=write.part("base")),
        ]
    part = "first" if mapping.rule is Rule.set_if_empty else "more"
    return [sql("{value} AS {name}", value=value, name=write.part(part))]


def _refused(place: int) -> Sql:
    return ident(f"refused{place}")


def _operations(write: Write, counted: dict[int, frozenset[int]], refused: int | None) -> list[Sql]:
    """Per mapping: its value, NULL where it does nothing, and for `set_or_clear` whether it clears.

    `refused`: place of the property among the identifiers, where another profile may hold its values.
    """
    columns = []
    for number, mapping in write.mappings:
        value = ident(f"m{number}")
        clears = sql("{value} IS NULL AND {bad} IS NULL", value=value, bad=ident(f"m{number}_invalid"))
        if refused is not None:
            value = _without_refused(write.prop, value, sql("{name}.ids", name=_refused(refused)))
        name = ident(f"o{number}")
        clear_name = ident(f"o{number}_clears")
        if counted.get(number):
            groups = Sql(", ".join(str(group) for group in sorted(counted[number])))
            old = sql("coalesce(counted IN ({groups}), false)", groups=groups)
            value = sql("CASE WHEN NOT {old} THEN {value} END", old=old, value=value)
            clears = sql("NOT {old} AND {clears}", old=old, clears=clears)
        columns.append(sql("{value} AS {name}", value=value, name=name))
        if mapping.rule is Rule.set_or_clear:
            columns.append(sql("{clears} AS {name}", clears=clears, name=clear_name))
    return columns


def _without_refused(prop: Property, value: Sql, ids: Sql) -> Sql:
    if prop.multiple:
        free = sql("list_filter({value}, lambda v: NOT list_contains({ids}, v::VARCHAR))", value=value, ids=ids)
        return sql("CASE WHEN {ids} IS NULL THEN {value} ELSE nullif({free}, []) END", ids=ids, value=value, free=free)
    return sql("CASE WHEN {ids} IS NULL THEN {value} END", ids=ids, value=value)


def _olds(config: BatchConfig, writes: Sequence[Write], facts: str) -> Sql:
    """The old values; a new profile starts with its single identifier. `facts`: where is_new and the maker stand."""
    own = config.goal.identifier_columns[0].property if config.has_one_identifier else None
    olds = []
    for write in writes:
        old = sql("old.{name}", name=ident(write.prop.name))
        if write.prop.name == own:
            start = sql("{facts}.created_by_value::{kind}", facts=ident(facts), kind=column_type(write.prop))
            is_new = sql("{facts}.is_new", facts=ident(facts))
            old = sql("CASE WHEN {is_new} THEN {start} ELSE {old} END", is_new=is_new, start=start, old=old)
        olds.append(sql("{old} AS {name}", old=old, name=write.part("old")))
    return comma(olds) if olds else Sql("NULL AS nothing_before")


def _before(config: BatchConfig, writes: Sequence[Write]) -> Sql:
    """Touched profiles with their old values."""
    several = [write for write in writes if len(write.mappings) > 1]
    parts = [write.part(name) for write in several for name in ("absolute", "base", "first", "more")]
    joins = [sql("LEFT JOIN {step} USING (profile_id)", step=ident(f"p{write.number}_mixed")) for write in several]
    return sql(
        "SELECT composed.*, {facts},\n    {olds}\n"
        "FROM composed {mixed} JOIN (SELECT DISTINCT ON (profile_id) * FROM key_targets WHERE profile_id IS NOT NULL"
        " ORDER BY profile_id, first_ordinal) AS target"
        " USING (profile_id) LEFT JOIN main.profiles AS old USING (profile_id)",
        facts=joined(
            ", ",
            [
                *parts,
                Sql("target.is_new, target.first_ordinal, target.created_by_number"),
                Sql("target.created_by_property, target.created_by_value"),
            ],
        ),
        olds=_olds(config, writes, "target"),
        mixed=joined(" ", joins),
    )


def _after(write: Write) -> Sql:
    """The property's value after the pass, from its old value and the parts of its operations."""
    rules = write.rules
    value = write.part("old")
    if rules & {Rule.set, Rule.set_or_clear}:
        value = sql(
            "CASE WHEN {absolute} THEN {base} ELSE {old} END",
            absolute=write.part("absolute"),
            base=write.part("base"),
            old=value,
        )
    if Rule.set_if_empty in rules:
        value = sql("coalesce({value}, {first})", value=value, first=write.part("first"))
    if Rule.sum in rules:
        more = write.part("more")
        value = sql(
            "CASE WHEN {more} IS NULL THEN {value} ELSE (coalesce({value}, 0) + {more})::{kind} END",
            more=more,
            value=value,
            kind=column_type(write.prop),
        )
    if Rule.add in rules:
        more = write.part("more")
        both = appended(value, distinct_in_order(more))
        value = sql("CASE WHEN {more} IS NULL THEN {value} ELSE {both} END", more=more, value=value, both=both)
    return value
