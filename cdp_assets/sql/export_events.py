"""The timeline events of an export: those of the segment's members, as texts (spec.md 10.4).

Reads   main.events_<type>, main.events_<type>_<nested>, main.profiles; population (temporary, see exports.py)
Writes  (Parquet) profile_id, row_digest (NULL), refused, action, one text per column, in the file's order
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from cdp_assets.config.export_columns import ProfileIdColumn
from cdp_assets.config.export_events import EventStream, ExportPeriod
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.export_columns import Shown, ambiguous, profile_id_column, value_column
from cdp_assets.sql.export_lines import column_of
from cdp_assets.sql.exports import UNCHANGED
from cdp_assets.sql.text import Sql, comma, ident, literal, sql

_DATE = Property(name="date", type=PropertyType.datetime)
_INDEX = Property(name="index", type=PropertyType.number)


def event_columns(
    stream: EventStream, goal: ExportProfilesGoal, model: CustomerModelConfig, there: Collection[str] | None = None
) -> list[Shown]:
    """The columns of a file of events, in order.

    `there`: columns of the table; a field of the type that it lacks is empty, as it comes with the next fold.
    """
    own = {
        "profile_id": profile_id_column(ProfileIdColumn(profile_id={}).column_name, goal, model),
        "event_id": Shown("event_id", Sql("events.event_id")),
        "event_type": Shown("event_type", literal(stream.kind.id)),
        "date": value_column("date", Sql("events.date"), _DATE, goal.format),
        "index": value_column("index", ident("events", "index"), _INDEX, goal.format),
    }
    columns = [own[name] for name in stream.header[: len(stream.header) - len(stream.fields)]]
    for field in stream.fields:
        value = ident("events", field.key)
        if there is not None and field.key not in there:
            value = sql("NULL::{kind}", kind=column_type(field.prop))
        columns.append(value_column(field.key, value, field.prop, goal.format))
    return columns


def event_table_of(stream: EventStream) -> str:
    """The table whose rows a file of events shows."""
    return event_table_name(stream.kind.id, stream.nested.key if stream.nested else "")


def any_events(stream: EventStream) -> Sql:
    """Whether anybody has events of the type."""
    return sql("SELECT count(*) > 0 FROM (FROM main.{table} LIMIT 1)", table=ident(event_table_name(stream.kind.id)))


def keep_events(
    stream: EventStream,
    goal: ExportProfilesGoal,
    model: CustomerModelConfig,
    there: Collection[str],
    now: datetime,
    path: str,
) -> Sql:
    """Writes the rows of a file of events, in its order, to a Parquet file; gives their number.

    Of the members of the segment, those that nothing but being unchanged leaves out. `there`: columns of the table;
    none = there is no table, and so no row.
    """
    columns = event_columns(stream, goal, model, there)
    texts = [sql("{text} AS {name}", text=column.text, name=column_of(place)) for place, column in enumerate(columns)]
    source = _source(stream, goal, now)
    if not there:
        texts = [sql("NULL::VARCHAR AS {name}", name=column_of(place)) for place in range(len(columns))]
        source = Sql("FROM (SELECT NULL::UUID AS profile_id) AS events WHERE false")
    refused = Sql("NULL::VARCHAR")
    if goal.format.multi_value_inside == "fail" and there:
        refused = ambiguous(columns, goal.format.multi_value)
    return sql(
        "COPY (\nSELECT\n    events.profile_id,\n    NULL::UBIGINT AS row_digest,\n    {refused} AS refused,"
        "\n    'added' AS action,\n    {texts}\n{source}\n) TO {path} (FORMAT parquet)",
        refused=refused,
        texts=comma(texts),
        source=source,
        path=literal(path),
    )


def _source(stream: EventStream, goal: ExportProfilesGoal, now: datetime) -> Sql:
    item = Sql(', events."index"') if stream.nested else Sql("")
    return sql(
        "FROM main.{table} AS events\nJOIN population ON population.profile_id = events.profile_id\n"
        "JOIN main.profiles AS profiles ON profiles.profile_id = events.profile_id\n"
        "WHERE (population.excluded IS NULL OR population.excluded = {unchanged}) AND {period}\n"
        "ORDER BY events.profile_id, events.date, events.event_id{item}",
        table=ident(event_table_of(stream)),
        unchanged=literal(UNCHANGED),
        period=_within(goal, now),
        item=item,
    )


def _within(goal: ExportProfilesGoal, now: datetime) -> Sql:
    period = goal.events.period if goal.events else "all"
    if not isinstance(period, ExportPeriod):
        return Sql("true")
    if period.last_days is not None:
        start = now - timedelta(days=period.last_days)
        return sql("events.date BETWEEN {start} AND {now}", start=literal(start), now=literal(now))
    end = now + timedelta(days=period.next_days or 0)
    return sql("events.date > {now} AND events.date <= {end}", now=literal(now), end=literal(end))
