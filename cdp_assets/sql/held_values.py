"""Which values of a batch several records hold, such as an address that a couple shares.

Reads   main.identifiers (or the groups' index); batch.parquet of a goal with one identifier
"""

from __future__ import annotations

from cdp_assets.sql.records import Records
from cdp_assets.sql.text import Sql, literal, sql


def held_by_several(records: Records, property_name: str, parquet: str) -> Sql:
    """How many different identifiers of the batch's rows more than one record holds now."""
    return sql(
        "SELECT count(*) FROM (SELECT value FROM {held} AS held"
        " SEMI JOIN (SELECT identifier AS value FROM read_parquet({path})) USING (value)"
        " WHERE property = {name} GROUP BY value HAVING count(DISTINCT profile_id) > 1)",
        held=records.held,
        path=literal(parquet),
        name=literal(property_name),
    )
