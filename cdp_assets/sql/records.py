"""The records that a goal's files make and change: profiles, or the groups of one type.

Everything that finds, makes and changes them is the same SQL. It knows a record by its `profile_id`, whatever the
column of its table is called: `rows` and `held` read it under that name, `added` and `entered` write it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP
from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.schema import TEXT, UUID
from cdp_assets.sql.text import Sql, ident, literal, sql


@dataclass(frozen=True)
class Records:
    """One kind of record: where it stands, and the index of the values that find it."""

    path: Sql
    """Its table."""
    id: Sql
    """The id's column there, and in the index."""
    id_type: Sql
    index: Sql
    """The table of the values that find it."""
    group_type: str = ""
    """Empty = profiles."""
    domain_group: str = DEFAULT_DOMAIN_GROUP
    """Of the records that are found and made; others are never seen."""

    @property
    def rows(self) -> Sql:
        """The table to read from."""
        if not self.group_type:
            return self.path
        return sql("(SELECT {id} AS profile_id, * FROM {path})", id=self.id, path=self.path)

    @property
    def made(self) -> Sql:
        """All that were ever made, also those that are others now: profile_id, created_by_property, …_value."""
        if self.group_type:
            return self.rows
        own = sql("domain_group = {group}", group=literal(self.domain_group))
        return sql(
            "(SELECT {c} FROM {rows} WHERE {own} UNION ALL SELECT {c} FROM main.replaced_profiles WHERE {own})",
            c=Sql("profile_id, created_by_property, created_by_value"),
            rows=self.rows,
            own=own,
        )

    @property
    def held(self) -> Sql:
        """The index to read from: property, value, profile_id."""
        if not self.group_type:
            return sql(
                "(SELECT property, value, profile_id FROM {index} WHERE {own})",
                index=self.index,
                own=in_domain_group(self.domain_group),
            )
        return sql(
            "(SELECT property, value, {id} AS profile_id FROM {index} WHERE group_type = {type})",
            id=self.id,
            index=self.index,
            type=literal(self.group_type),
        )

    def added(self, rows: Sql) -> Sql:
        """Adds whole rows."""
        if self.group_type:
            own = sql("COLUMNS(lambda c: c NOT IN ('profile_id', {name}))", name=literal(GROUP_ID.name))
            rows = sql("SELECT profile_id AS {id}, {own} FROM (\n{rows}\n)", id=self.id, own=own, rows=rows)
        return sql("INSERT INTO {path} BY NAME\n{rows}", path=self.path, rows=rows)

    def entered(self, prop: Sql, values: Sql, rows: Sql) -> Sql:
        """Enters values into the index. `rows`: what stands behind FROM; it has profile_id."""
        lead = Sql("group_type" if self.group_type else "domain_group")
        return sql(
            "INSERT INTO {index} ({lead}, property, value, {id}) SELECT {kind}, {prop}, {values}, profile_id"
            " FROM {rows}",
            index=self.index,
            lead=lead,
            id=self.id,
            kind=literal(self.group_type) if self.group_type else lead,
            prop=prop,
            values=values,
            rows=rows,
        )

    def forgotten(self, which: Sql) -> Sql:
        """Removes from the index what is `which`."""
        if self.group_type:
            which = sql("group_type = {type} AND {which}", type=literal(self.group_type), which=which)
        return sql("DELETE FROM {index} WHERE {which}", index=self.index, which=which)


def in_domain_group(name: str) -> Sql:
    """Whether a row of `identifiers` or `ops.profile_ids` is of the domain group; older ones do not tell theirs."""
    return sql("coalesce(domain_group, {default}) = {name}", default=literal(DEFAULT_DOMAIN_GROUP), name=literal(name))


PROFILES = Records(Sql("main.profiles"), Sql("profile_id"), UUID, Sql("main.identifiers"))


PREFIX = "groups_"


def groups_name(group_type: str) -> str:
    """The name of the table of a type's groups."""
    return f"{PREFIX}{group_type}"


GROUP_TABLES = sql(
    "SELECT table_name, list(column_name ORDER BY column_name) FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name) WHERE table_schema = 'main'"
    " AND table_type = 'BASE TABLE' AND starts_with(table_name, {prefix}) GROUP BY table_name ORDER BY table_name",
    prefix=literal(PREFIX),
)
"""Every table of groups there is, with its columns."""


def groups(group_type: str) -> Records:
    """The groups of one type."""
    path = ident("main", groups_name(group_type))
    return Records(path, ident(GROUP_ID.name), TEXT, Sql("main.group_identifiers"), group_type)


def records_of(config: BatchConfig) -> Records:
    """What the batches of a goal make and change."""
    if config.goal.group_type:
        return groups(config.goal.group_type)
    return replace(PROFILES, domain_group=config.goal.domain_group)
