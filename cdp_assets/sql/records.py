"""The records that a goal's files make and change: profiles, or the groups of one type.

Everything that finds, makes and changes them is the same SQL. It knows a record by its `profile_id`, whatever the
column of its table is called: `rows` and `held` read it under that name, `added` and `entered` write it back.
"""

from __future__ import annotations

from dataclasses import dataclass

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.schema import UUID
from cdp_assets.sql.text import Sql, sql


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

    @property
    def rows(self) -> Sql:
        """The table to read from."""
        return self.path

    @property
    def held(self) -> Sql:
        """The index to read from: property, value, profile_id."""
        return self.index

    def added(self, rows: Sql) -> Sql:
        """Adds whole rows."""
        return sql("INSERT INTO {path} BY NAME\n{rows}", path=self.path, rows=rows)

    def entered(self, prop: Sql, values: Sql, rows: Sql) -> Sql:
        """Enters values into the index. `rows`: what stands behind FROM; it has profile_id."""
        return sql(
            "INSERT INTO {index} (property, value, {id}) SELECT {prop}, {values}, profile_id FROM {rows}",
            index=self.index,
            id=self.id,
            prop=prop,
            values=values,
            rows=rows,
        )

    def forgotten(self, which: Sql) -> Sql:
        """Removes from the index what is `which`."""
        return sql("DELETE FROM {index} WHERE {which}", index=self.index, which=which)


PROFILES = Records(Sql("main.profiles"), Sql("profile_id"), UUID, Sql("main.identifiers"))


def records_of(config: BatchConfig) -> Records:
    """What the batches of a goal make and change."""
    del config
    return PROFILES
