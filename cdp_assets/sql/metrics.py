"""The views of declared metrics: the events of one metric, with typed columns for its properties (spec.md K2).

Reads   main.events_<drop folders>
Makes   main.metrics_<drop folders>_<metric>
"""

from __future__ import annotations

from cdp_assets.config.events import FieldType
from cdp_assets.config.metrics import Metric, MetricField
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.schema import TEXT, TIME, UUID
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.sql.views import View, ViewColumn

_VALUE = column_type(Property(name="value", type=PropertyType.decimal))


def metric_view(metric: Metric) -> View:
    """The view of a metric."""
    told = metric.description or "The properties that were declared of it have columns of their own."
    return View(
        name=metric.view,
        comment=f"Events of the metric {metric.name}, dropped into the folders of {metric.folders}. {told}",
        columns=(
            ViewColumn("profile_id", UUID, Sql("profile_id"), "Profile the event belongs to."),
            ViewColumn("event_id", TEXT, Sql("event_id"), "With profile and date, the key of the event."),
            ViewColumn("date", TIME, Sql("date"), "When it happened."),
            ViewColumn("value", _VALUE, Sql("value"), "Value, such as an amount."),
            *map(_column, metric.fields),
        ),
        table=event_table_name(metric.folders),
        where=sql("metric = {name}", name=literal(metric.name)),
    )


def _column(field: MetricField) -> ViewColumn:
    kind = column_type(field.prop)
    where = "$" + "".join(f'."{part}"' for part in field.path)
    if field.type is FieldType.json:
        value = sql("json_extract(properties, {where})", where=literal(where))
    else:
        text = sql("json_extract_string(properties, {where})", where=literal(where))
        value = text if field.type is FieldType.text else sql("try_cast({text} AS {kind})", text=text, kind=kind)
    # The comment tells of everything that the view is made of, so that a change is seen.
    told = f"{field.description or 'Property of the event.'} Header {'.'.join(field.path)}, read as {field.type}."
    return ViewColumn(field.key, kind, value, told)
