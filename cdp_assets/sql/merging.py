"""What the rows of a pass do to each profile: their operations composed, then applied once.

A property's operations in order (spec.md 1.3) come down to four parts, whatever their number:
    absolute  the last `set`, or `set_or_clear`, decides: everything before it is void
    base      the value it gave; NULL = it cleared
    first     the value of a `set_if_empty` that comes before any later operation: it counts if base is empty
    more      what `add` (a list), `sum` (a number) or `patch` (a list of objects) bring afterwards
so  after = more upon (base or first).

Reads   batch_rows, applied, key_targets, births (identity), main.profiles
Gives   whole rows of main.profiles as they are after the pass
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.consent import NO_ZONE, STARTS, ZONE
from cdp_assets.config.goals import Rule
from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import appended, column_type, distinct_in_order, patched
from cdp_assets.sql.grouping import composed, mixed
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.last_changes import last_change, rows_in_turn
from cdp_assets.sql.objectives import LISTS, after, decided
from cdp_assets.sql.records import records_of
from cdp_assets.sql.targeting import Touched, targeted
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write


def changed_profiles(config: BatchConfig, writes: Sequence[Write], touched: Touched, looks: Sql) -> Sql:
    """The profiles of the warehouse that the pass changes, as they are afterwards.

    Of survivors, where `touched` is about them: those that rows after their last merge change.
    """
    plain, consent = _told_apart(writes)
    news = [
        sql(
            "{value} AS {name}",
            value=after(write.prop.name, _old(write)) if write in consent else _after(write, _old(write)),
            name=write.part("new"),
        )
        for write in (*plain, *consent)
    ]
    writes, others = [*plain, *consent], touched.others(Sql("NOT is_new"))
    old_zone = sql("LEFT JOIN {rows} AS old USING (profile_id)", rows=touched.zones(records_of(config)))
    changed = joined(
        " OR ",
        [sql("{n} IS DISTINCT FROM after.{old}", n=write.part("new"), old=ident(write.prop.name)) for write in writes],
    )
    if touched.repeated:
        changed = Sql('"last:ordinal" IS NOT NULL')
    written = [sql("{n} AS {name}", n=write.part("new"), name=ident(write.prop.name)) for write in writes]
    steps = [
        *_parts(config, plain, touched, others),
        *_consents(config, writes, touched, (others, old_zone)),
        Step(
            "after",
            sql(
                'SELECT old.*,\n    {news},\n    {last} AS "last:ordinal"\nFROM parts JOIN {rows} AS old'
                " USING (profile_id){consents}",
                last=_last(writes, touched),
                news=comma(news),
                consents=_WITH_CONSENTS if consent else Sql(""),
                rows=touched.rows(records_of(config)),
            ),
        ),
    ]
    final = sql(
        'SELECT after.* EXCLUDE ("last:ordinal", {names}) REPLACE (\n    {written},\n    last.look_at AS'
        " last_modified_date,\n    last.position AS modified_at_position)\nFROM after JOIN {looks} AS last"
        ' ON last.number = "last:ordinal" // {size} WHERE {changed}',
        names=joined(", ", [write.part("new") for write in writes]),
        written=comma(written),
        looks=looks,
        size=literal(ROWS_PER_BATCH),
        changed=changed,
    )
    return chain(steps, final)


def new_profiles(config: BatchConfig, writes: Sequence[Write], touched: Touched, looks: Sql) -> Sql:
    """The profiles the pass makes. One that a single identifier finds holds that from the start."""
    own = config.find_property(config.goal.identifier_columns[0].property) if config.has_one_identifier else None
    values = [Sql("last.position AS modified_at_position")]
    if own is not None and own.name not in {GROUP_ID.name, *(write.prop.name for write in writes)}:
        values.append(sql("{start} AS {name}", start=_start(own), name=ident(own.name)))
    plain, consent = _told_apart(writes)
    starts = {w.prop.name: _start(w.prop) if w.prop == own else _empty(w.prop) for w in writes}
    news = {write.prop.name: _after(write, starts[write.prop.name]) for write in plain}
    news |= {write.prop.name: after(write.prop.name, starts[write.prop.name]) for write in consent}
    values += [sql("{value} AS {name}", value=value, name=ident(name)) for name, value in news.items()]
    last = Sql("first_ordinal")
    if touched.repeated and writes:
        last = sql("greatest(first_ordinal, {change})", change=last_change(writes, starts, news))
    final = sql(
        "SELECT profile_id, {group} AS domain_group, first.look_at AS creation_date, last.look_at AS"
        " last_modified_date, created_by_property, created_by_value, created_by_number,"
        " first.position AS created_at_position, first_ordinal % {size} + 1 AS created_at_row,"
        "\n    {values}\nFROM births JOIN parts USING (profile_id){consents}"
        " JOIN {looks} AS first ON first.number = first_ordinal // {size}"
        " JOIN {looks} AS last ON last.number = {last} // {size}",
        last=last,
        group=literal(records_of(config).domain_group),
        values=comma(values),
        consents=_WITH_CONSENTS if consent else Sql(""),
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )
    others = touched.others(Sql("is_new"))
    steps = [*_parts(config, plain, touched, others), *_consents(config, writes, touched, (others, None))]
    return chain(steps, final)


_WITH_CONSENTS = Sql(" LEFT JOIN said_of USING (profile_id)")


def _told_apart(writes: Sequence[Write]) -> tuple[list[Write], list[Write]]:
    """What is composed property by property, and the lists of objectives, which tell of each other."""
    return [write for write in writes if write.prop.name not in LISTS], [w for w in writes if w.prop.name in LISTS]


def _consents(
    config: BatchConfig, writes: Sequence[Write], touched: Touched, which: tuple[Sql, Sql | None]
) -> list[Step]:
    """Steps to `said_of`; none where no row decides. `which`: of which profiles, and the join to what they were."""
    if not _told_apart(writes)[1]:
        return []
    deciding = [write for write in writes if write.prop.name in {ZONE, *LISTS}]
    condition, old = which
    rows = sql(
        "SELECT given.*, {zone} AS old_zone FROM (\n{rows}\n) AS given {old}",
        zone=literal(NO_ZONE) if old is None else sql("old.{zone}", zone=ident(ZONE)),
        rows=targeted(config, deciding, touched, condition),
        old=old or Sql(""),
    )
    return [Step("consent_rows", rows), *decided(deciding)]


def _empty(prop: Property) -> Sql:
    """What a property holds where nobody told it."""
    if prop.name in STARTS:
        return literal(STARTS[prop.name])
    return sql("NULL::{kind}", kind=column_type(prop))


def _start(own: Property) -> Sql:
    return sql("created_by_value::{kind}", kind=column_type(own))


def _old(write: Write) -> Sql:
    return sql("old.{name}", name=ident(write.prop.name))


def _parts(config: BatchConfig, writes: Sequence[Write], touched: Touched, which: Sql) -> list[Step]:
    """Steps to `parts`: profile_id, last_ordinal and the parts of each property, of the profiles that are `which`.

    A profile with one row needs no grouping, which is what costs most; only those in `repeated` are grouped.
    Where several mappings meet on a property, all are.
    """
    grouped = any(len(write.mappings) > 1 for write in writes)
    steps: list[Step] = []
    sources = []
    if touched.repeated or grouped:
        only = Sql("" if grouped else " AND profile_id IN (FROM repeated)")
        rows = targeted(config, writes, touched, sql("{which}{only}", which=which, only=only))
        steps += _in_turn(rows, writes) if touched.repeated else [Step("targeted", rows)]
        steps.append(Step("composed", composed(writes, dated=touched.repeated)))
        for write in writes:
            if len(write.mappings) > 1:
                steps += mixed(write, dated=touched.repeated)
        steps.append(Step("grouped", _with_mixed(writes)))
        sources.append(Sql("FROM grouped"))
    if not grouped:
        only = Sql(" AND profile_id NOT IN (FROM repeated)" if touched.repeated else "")
        rows = targeted(config, writes, touched, sql("{which}{only}", which=which, only=only))
        parts = [
            Sql("profile_id"),
            Sql("ordinal AS last_ordinal"),
            *(part for write in writes for part in _once(write)),
        ]
        steps += [Step("alone", rows), Step("once", sql("SELECT {parts}\nFROM alone", parts=comma(parts)))]
        sources.append(Sql("FROM once"))
    return [*steps, Step("parts", joined(" UNION ALL BY NAME ", sources))]


def _last(writes: Sequence[Write], touched: Touched) -> Sql:
    """The row of the pass that changed a profile last, if any did."""
    if not touched.repeated:
        return Sql("parts.last_ordinal")
    old = {write.prop.name: _old(write) for write in writes}
    return last_change(writes, old, {write.prop.name: write.part("new") for write in writes})


def _in_turn(rows: Sql, writes: Sequence[Write]) -> list[Step]:
    return [Step("acting", rows), Step("targeted", rows_in_turn(writes))]


def _with_mixed(writes: Sequence[Write]) -> Sql:
    several = [write for write in writes if len(write.mappings) > 1]
    parts = [sql("{step}.* EXCLUDE (profile_id)", step=ident(f"p{write.number}_mixed")) for write in several]
    joins = [sql("LEFT JOIN {step} USING (profile_id)", step=ident(f"p{write.number}_mixed")) for write in several]
    return sql(
        "SELECT {columns} FROM composed {joins}", columns=comma([Sql("composed.*"), *parts]), joins=joined(" ", joins)
    )


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
    if mapping.rule is Rule.patch:
        listed = sql("CASE WHEN {value} IS NOT NULL THEN [{value}] END", value=value)
        return [sql("{listed} AS {name}", listed=listed, name=write.part("more"))]
    part = "first" if mapping.rule is Rule.set_if_empty else "more"
    return [sql("{value} AS {name}", value=value, name=write.part(part))]


def _after(write: Write, old: Sql) -> Sql:
    """The property's value after the pass, from its old value and the parts of its operations."""
    rules = write.rules
    value = old
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
    if Rule.patch in rules:
        more = write.part("more")
        value = sql(
            "CASE WHEN {more} IS NULL THEN {old} ELSE {new} END", more=more, old=value, new=patched(value, more)
        )
    if Rule.add in rules:
        more = write.part("more")
        both = appended(value, distinct_in_order(more))
        value = sql("CASE WHEN {more} IS NULL THEN {value} ELSE {both} END", more=more, value=value, both=both)
    return value
