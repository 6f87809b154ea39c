"""From the rows of a file of events in a drop folder to the cells that its goal's events are made of (spec.md K6).

The id tells events of a profile apart: the metric with the unique id, or with the time where there is none.

Reads   numbered: line_no, f<n> of the file's columns (text; NULL = empty)
Writes  columns of cells_ready: event_id, event_date, event_metric, event_value, event_properties (all text)
"""

from __future__ import annotations

from datetime import datetime

from cdp_assets.config.drop_headers import METRIC, TIME, UNIQUE_ID, VALUE, DropHeader
from cdp_assets.sql import drop_values
from cdp_assets.sql.drop_values import Note, cell_of, custom_of, note, object_of
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

MOST_METRIC_SIGNS = 127
MOST_PROPERTIES = 400
FIRST_YEAR = "1990-01-01T00:00:00Z"
_MOMENT, _AMOUNT = ident("event:moment"), ident("event:amount")
METRIC_COLUMN = "event_metric"
"""Of the batch: what its row's event is called."""
EVENT_PARTS = ("id", "date", "metric", "value", "properties")


def cell(header: DropHeader, name: str) -> Sql:
    """The cell under a reserved header of events; NULL where the file has none."""
    column = header.find_event(name)
    return Sql("NULL::VARCHAR") if column is None else cell_of(column)


def event_values(header: DropHeader) -> list[Sql]:
    """What is made of cells that more than one rule looks at."""
    moment = drop_values.dropped_moment(cell(header, TIME))
    second = sql("make_timestamptz((epoch_us({m}) // 1000000) * 1000000)", m=Sql("m"))
    return [
        sql("list_transform([{moment}], lambda m: {second})[1] AS {name}", moment=moment, second=second, name=_MOMENT),
        sql("try_cast({value} AS DECIMAL(18, 4)) AS {name}", value=cell(header, VALUE), name=_AMOUNT),
        *(
            sql("{value} AS {name}", value=drop_values.inferred(cell_of(column)), name=custom_of(column))
            for column in header.event_properties
        ),
    ]


def event_columns(header: DropHeader) -> list[Sql]:
    """The cells of the event."""
    metric, date = cell(header, METRIC), drop_values.iso_text(_MOMENT)
    key = sql(
        "to_json(CASE WHEN {unique} IS NOT NULL THEN [{metric}, {unique}] ELSE [{metric}, NULL, {date}] END)::VARCHAR",
        unique=cell(header, UNIQUE_ID),
        metric=metric,
        date=date,
    )
    properties = object_of(header.event_properties) or Sql("NULL::VARCHAR")
    values = (key, date, metric, sql("{amount}::VARCHAR", amount=_AMOUNT), properties)
    return [
        sql("{value} AS {name}", value=value, name=part_column(part))
        for part, value in zip(EVENT_PARTS, values, strict=True)
    ]


def part_column(part: str) -> Sql:
    """Column of one part of the event."""
    return ident(f"event_{part}")


def event_skips(header: DropHeader, look_at: datetime) -> list[Sql]:
    """Why a row is skipped for its event; the first that holds is told."""
    metric, time, value = cell(header, METRIC), cell(header, TIME), cell(header, VALUE)
    many = joined(" + ", [sql("({c} IS NOT NULL)::INT", c=cell_of(column)) for column in header.event_properties])
    outside = sql(
        "coalesce({m} < TIMESTAMPTZ {first} OR {m} > {look} + INTERVAL 366 DAY, true)",
        m=_MOMENT,
        first=literal(FIRST_YEAR),
        look=literal(look_at),
    )

    def told(condition: Sql, name: str, reason: str) -> Sql:
        return note(Note(header.find_event(name), cell(header, name)), condition, literal(reason))

    found = [
        told(sql("{c} IS NULL", c=metric), METRIC, "Missing metric name"),
        told(
            sql("length({c}) > {most}", c=metric, most=literal(MOST_METRIC_SIGNS)),
            METRIC,
            "Metric name must have fewer than 128 characters",
        ),
        told(sql("{c} IS NULL", c=time), TIME, "Missing event date"),
        told(outside, TIME, "Event time must be after 1990 and at most 1 year in the future"),
        told(sql("{c} IS NOT NULL AND {a} IS NULL", c=value, a=_AMOUNT), VALUE, "Invalid number format"),
    ]
    if header.event_properties:
        too_many = sql("{many} > {most}", many=many, most=literal(MOST_PROPERTIES))
        found.append(told(too_many, "", "The event has more than 400 properties"))
    return found
