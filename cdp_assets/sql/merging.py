"""What the rows of a pass do to each profile: their operations composed, then applied once.

A property's operations in order (spec.md 1.3) come down to four parts, whatever their number:
    absolute  the last `set`, or `set_or_clear`, decides: everything before it is void
    base      the value it gave; NULL = it cleared
    first     the value of a `set_if_empty` that comes before any later operation: it counts if base is empty
    more      what `add` (a list) or `sum` (a number) bring afterwards
so  after = more upon (base or first).

Reads   batch_rows, applied, key_targets (identity), main.profiles
Writes  (temporary) changes: profile_id, is_new, changed, value, first_ordinal, last_ordinal, created_by_number and
        p<n>_new, the value of the n-th written property afterwards
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.goals import Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import appended, column_type, distinct_in_order, first_by, last_by
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

ORDER = Sql("ordinal")


@dataclass(frozen=True)
class Write:
    """Everything a pass does to one property."""

    number: int
    """Names the property's temporary columns, whatever the property is called."""
    prop: Property
    mappings: tuple[tuple[int, Mapping], ...]
    """Their numbers in the goal, in order; only those whose column the files have."""

    def part(self, name: str) -> Sql:
        """Temporary column of one part."""
        return ident(f"p{self.number}_{name}")

    @property
    def rules(self) -> frozenset[Rule]:
        """The rules that meet on this property."""
        return frozenset(mapping.rule for _, mapping in self.mappings)


def writes_of(config: BatchConfig, present: frozenset[int], columns: frozenset[str]) -> list[Write]:
    """What a goal's batches write: mappings whose column the file has, into properties that still exist."""
    by_property: dict[str, list[tuple[int, Mapping]]] = {}
    for number, mapping in enumerate(config.goal.mappings):
        if number in present and mapping.property in columns:
            by_property.setdefault(mapping.property, []).append((number, mapping))
    return [
        Write(number, config.find_property(name), tuple(mappings))
        for number, (name, mappings) in enumerate(by_property.items())
    ]


def changes_table(config: BatchConfig, writes: Sequence[Write], counted: dict[int, frozenset[int]]) -> Sql:
    """The profiles the pass touches, as they are afterwards. `counted`: mapping → groups it is old for."""
    full = not config.goal.files.delta
    operations = [column for write in writes for column in _operations(write, counted if full else {})]
    steps = [
        Step(
            "targeted",
            sql(
                "SELECT ordinal, profile_id,\n    {operations}\nFROM batch_rows{applied} JOIN key_targets"
                " ON key_targets.value = batch_rows.identifier WHERE profile_id IS NOT NULL",
                operations=comma(operations) if operations else Sql("NULL AS nothing"),
                applied=Sql(" JOIN applied USING (ordinal)") if full else Sql(""),
            ),
        ),
        Step("composed", _composed(writes)),
    ]
    for write in writes:
        if len(write.mappings) > 1:
            steps += _mixed(write)
    identifier = config.find_property(config.goal.identifiers[0].property)
    steps.append(Step("before", _before(writes, identifier)))
    after = [sql("{value} AS {name}", value=_after(write), name=write.part("new")) for write in writes]
    own = Sql("profile_id, is_new, value, first_ordinal, last_ordinal, created_by_number")
    olds = [sql("{old}", old=write.part("old")) for write in writes]
    steps.append(Step("after", sql("SELECT {own},\n    {columns}\nFROM before", own=own, columns=comma(after + olds))))
    differs = [sql("{new} IS DISTINCT FROM {old}", new=write.part("new"), old=write.part("old")) for write in writes]
    names = [write.part("new") for write in writes]
    final = sql(
        "SELECT {columns}, is_new OR {differs} AS changed FROM after",
        columns=comma([own, *names]),
        differs=joined(" OR ", differs) if differs else Sql("false"),
    )
    return sql("CREATE OR REPLACE TEMP TABLE changes AS\n{query}", query=chain(steps, final))


def _operations(write: Write, counted: dict[int, frozenset[int]]) -> list[Sql]:
    """Per mapping: its value, NULL where it does nothing, and for `set_or_clear` whether it clears."""
    columns = []
    for number, mapping in write.mappings:
        value = ident(f"m{number}")
        clears = sql("{value} IS NULL AND {bad} IS NULL", value=value, bad=ident(f"m{number}_invalid"))
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


def _composed(writes: Sequence[Write]) -> Sql:
    """One row per touched profile, with the parts of every property that one mapping writes."""
    columns = [Sql("profile_id"), Sql("max(ordinal) AS last_ordinal")]
    for write in writes:
        if len(write.mappings) == 1:
            columns += _single(write)
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
            clears = ident(f"o{number}_clears")
            acts = sql("({given} OR {clears})", given=given, clears=clears)
            return [
                sql("bool_or({acts}) AS {name}", acts=acts, name=write.part("absolute")),
                sql("{last} AS {name}", last=last_by(value, ORDER, acts), name=write.part("base")),
            ]
        case Rule.set_if_empty:
            return [sql("{first} AS {name}", first=first_by(value, ORDER, given), name=write.part("first"))]
        case Rule.sum:
            return [sql("sum({value}) AS {name}", value=value, name=write.part("more"))]
        case Rule.add:
            return [sql("{all} AS {name}", all=_gathered(value, given, ORDER), name=write.part("more"))]


def _gathered(value: Sql, given: Sql, order: Sql) -> Sql:
    return sql("flatten(list({value} ORDER BY {order}) FILTER (WHERE {given}))", value=value, order=order, given=given)


def _mixed(write: Write) -> list[Step]:
    """The parts of a property that several mappings write, worked out on its operations one under the other."""
    kinds = column_type(write.prop)
    rows = []
    for place, (number, mapping) in enumerate(write.mappings):
        value = ident(f"o{number}")
        acts = sql("{value} IS NOT NULL", value=value)
        if mapping.rule is Rule.set_or_clear:
            acts = sql("({acts} OR {clears})", acts=acts, clears=ident(f"o{number}_clears"))
        rows.append(
            sql(
                "SELECT profile_id, ordinal, {place} AS place, {rule} AS rule, {value}::{kind} AS value"
                " FROM targeted WHERE {acts}",
                place=literal(place),
                rule=literal(str(mapping.rule)),
                value=value,
                kind=kinds,
                acts=acts,
            )
        )
    listed, placed, tail = (f"p{write.number}_{name}" for name in ("listed", "placed", "mixed"))
    more = Sql("sum(value) FILTER (WHERE later AND rule = 'sum')")
    if write.prop.multiple:
        more = _gathered(Sql("value"), Sql("later AND rule = 'add'"), Sql("(ordinal, place)"))
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
                " {more} AS {more_name} FROM {placed} GROUP BY profile_id",
                absolute=write.part("absolute"),
                base=write.part("base"),
                first=write.part("first"),
                more=more,
                more_name=write.part("more"),
                placed=ident(placed),
            ),
        ),
    ]


def _before(writes: Sequence[Write], identifier: Property) -> Sql:
    """Touched profiles with their old values; a new one starts with its identifier."""
    olds = []
    for write in writes:
        old = sql("old.{name}", name=ident(write.prop.name))
        if write.prop.name == identifier.name:
            start = sql("key_targets.value::{kind}", kind=column_type(identifier))
            old = sql("CASE WHEN key_targets.is_new THEN {start} ELSE {old} END", start=start, old=old)
        olds.append(sql("{old} AS {name}", old=old, name=write.part("old")))
    mixed = [
        sql("LEFT JOIN {step} USING (profile_id)", step=ident(f"p{write.number}_mixed"))
        for write in writes
        if len(write.mappings) > 1
    ]
    return sql(
        "SELECT composed.*,{parts} key_targets.is_new, key_targets.value, key_targets.first_ordinal,"
        " key_targets.created_by_number,\n    {olds}\n"
        "FROM composed {mixed} JOIN (SELECT DISTINCT ON (profile_id) * FROM key_targets WHERE profile_id IS NOT NULL"
        " ORDER BY profile_id, first_ordinal) AS key_targets"
        " USING (profile_id) LEFT JOIN main.profiles AS old USING (profile_id)",
        parts=Sql(
            "".join(
                f" {write.part(name)},"
                for write in writes
                if len(write.mappings) > 1
                for name in ("absolute", "base", "first", "more")
            )
        ),
        olds=comma(olds) if olds else Sql("NULL AS nothing"),
        mixed=joined(" ", mixed),
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
