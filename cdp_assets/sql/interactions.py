"""Interactions on their way to events, and the view that analysts read them by.

Reads   the cells of a file; main.events_interactions
Makes   main.interactions; (temporary) viewed_interactions: profile_id, interaction_id, first_view
"""

from __future__ import annotations

from dataclasses import replace

from cdp_assets.config.events import INTERACTIONS
from cdp_assets.config.interactions import InteractionImport
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.event_fields import event_field
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.fields import Cells, cell_of
from cdp_assets.sql.schema import TEXT, TIME, UUID
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.sql.views import View, ViewColumn

VIEW = View(
    name="interactions",
    comment="What profiles saw, clicked on or were won by, once for each profile, interaction, kind and time.",
    columns=(
        ViewColumn("profile_id", UUID, Sql("profile_id"), "The profile that did it."),
        ViewColumn("interaction_id", TEXT, Sql("interaction_id"), "With what, such as a banner or a dialogue."),
        ViewColumn("kind", TEXT, Sql("kind"), "VIEW, CLICK or CONVERSION."),
        ViewColumn("time", TIME, Sql("date"), "When."),
        ViewColumn(
            "value",
            column_type(Property(name="value", type=PropertyType.decimal)),
            Sql("value"),
            "What it was worth; NULL = nothing was said.",
        ),
    ),
    table=event_table_name(INTERACTIONS),
)


VIEWED = Sql("viewed_interactions")


def viewed_interactions(*, there: bool) -> Sql:
    """Makes the temporary table of what each profile viewed, and when first. `there`: whether any ever came."""
    rows = sql(
        "SELECT profile_id, interaction_id, min(date) AS first_view FROM {table} WHERE kind = 'VIEW'"
        " GROUP BY profile_id, interaction_id",
        table=ident("main", VIEW.table),
    )
    none = Sql(
        "SELECT NULL::UUID AS profile_id, NULL::VARCHAR AS interaction_id, NULL::TIMESTAMPTZ AS first_view LIMIT 0"
    )
    return sql("CREATE OR REPLACE TEMP TABLE {name} AS {rows}", name=VIEWED, rows=rows if there else none)


def interaction_cells(cells: Cells, given: InteractionImport) -> Cells:
    """The cells with the kind, and with what makes one interaction of rows with the same time: kind and id."""
    texts = {name: _text(cells, name) for name in given.columns if name in cells.columns}
    made: dict[str, Sql] = {}
    if given.fixed_kind is not None:
        some = joined(" OR ", [sql("{text} IS NOT NULL", text=text) for text in texts.values()] or [Sql("false")])
        made[given.kind_cell] = sql("CASE WHEN {some} THEN {kind} END", some=some, kind=literal(given.fixed_kind))
    if given.id in texts and (given.fixed_kind is not None or given.kind in texts):
        kind = literal(given.fixed_kind) if given.fixed_kind is not None else sql("upper({k})", k=texts[given.kind])
        made[given.key_cell] = sql("{kind} || ' ' || {id}", kind=kind, id=texts[given.id])
    return replace(cells, columns={**cells.columns, **made})


def _text(cells: Cells, column: str) -> Sql:
    """A cell's text as a field gets it; NULL where it is empty."""
    return cell_of(event_field("key", Property(name="key"), cells.columns[column]), cells)
