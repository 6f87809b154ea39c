"""The rows of a pass that act, each with the profile it goes to and the operation of each of its mappings.

Reads   batch_rows, applied, key_targets, id_refused, id_rows (see identity and resolving), merged_last (survivors)
Gives   ordinal, profile_id, and per mapping o<n> (NULL = does nothing) and, where it can clear, o<n>_clears
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdp_assets.config.goals import Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.records import Records
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql
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
    alone: bool
    """Whether no two rows share an identifier or a profile."""
    few: bool = False
    """Whether they are few among all: then they stand in `id_rows`."""
    merged: bool = False
    """Whether profiles merged: what their survivors hold is worked out in `survivors`."""
    survivors: bool = False
    """Whether this is about the survivors alone, as their last merge made them, and the rows after it."""

    def of_survivors(self) -> Touched:
        """What is known of the rows that come after the last merge of their profile."""
        return replace(self, survivors=True)

    def rows(self, records: Records) -> Sql:
        """The table to read them from.

        Of few, whole rows are read where those stand alone. A scan leaves out what does not fit a join by a filter that
        lets one in a hundred pass, which is some in every block of a table; two of them let hardly any.
        """
        if self.survivors:
            return Sql("merged_now")
        if not self.few:
            return records.rows
        return sql(
            "(FROM {rows} SEMI JOIN (SELECT created_at_row FROM id_rows SEMI JOIN"
            " (FROM key_targets WHERE NOT is_new) AS aimed USING (profile_id)) AS aimed USING (created_at_row))",
            rows=records.rows,
        )

    def zones(self, records: Records) -> Sql:
        """The same, for a single column."""
        return self.rows(records) if self.survivors else records.rows

    def others(self, which: Sql) -> Sql:
        """Of the targets that are `which`, those that are no survivors."""
        if self.survivors:
            return Sql("profile_id IN (SELECT profile_id FROM merged_last)")
        return (
            sql("{w} AND profile_id NOT IN (SELECT replaced_by FROM merged_pairs)", w=which) if self.merged else which
        )


_AFTER_MERGES = Sql(
    " JOIN merged_last ON merged_last.profile_id = target.profile_id AND given.ordinal > merged_last.ordinal"
)


def targeted(config: BatchConfig, writes: Sequence[Write], touched: Touched, which: Sql) -> Sql:
    """The rows that act and go to a profile that is `which`, with the operation of each mapping."""
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
            "LEFT JOIN id_refused AS {name} ON {name}.key = given.key AND {name}.place = {place}",
            name=_refused(place),
            place=literal(place),
        )
        for place in sorted(touched.refused)
    ]
    return sql(
        "SELECT {columns}\nFROM batch_rows AS given{applied}"
        " JOIN (FROM key_targets WHERE {which}) AS target ON target.key = given.key{late} {refusals}",
        columns=comma([Sql("given.ordinal"), Sql("target.profile_id"), *operations]),
        late=_AFTER_MERGES if touched.survivors else Sql(""),
        refusals=joined(" ", refusals),
        applied=Sql(" JOIN applied ON applied.ordinal = given.ordinal" if full else ""),
        which=which,
    )


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
