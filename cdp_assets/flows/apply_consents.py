"""Applies what the rows of a pass say of consents and lists, once they have found their profiles."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.flows.plan_passes import Placed
from cdp_assets.sql import consents
from cdp_assets.sql.text import Sql, comma, literal, sql
from cdp_assets.warehouse import Database


def apply_consents(database: Database, batches: Sequence[Placed], looks: Sql) -> None:
    """Renews the consents and list memberships, and tells in `consent_changed` whose they are."""
    rows = comma(
        sql("({position}, {name})", position=literal(item.position), name=literal(item.manifest.name))
        for item in batches
    )
    names = sql("(SELECT * FROM (VALUES {rows}) AS told(position, name))", rows=rows)
    for statement in (*consents.make_changes(looks, names), *consents.ENTER_CHANGES):
        database.run(statement)


def move_consents(database: Database) -> None:
    """Gives what was known of profiles that merged in this pass to their survivors."""
    for statement in consents.MOVE_MERGED:
        database.run(statement)
