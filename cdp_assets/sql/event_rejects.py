"""What is wrong with the events of a file, and which of its rows go with an event that is rejected.

Reads   events_<n>.parquet (see `event_landing`), and the rows of the batch with what identifies them in `match`
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.events import EventField, EventType, ItemField
from cdp_assets.sql.event_fields import MISSING_DATE
from cdp_assets.sql.event_landing import EventPlan, items_column
from cdp_assets.sql.text import Sql, comma, joined, literal, sql
from cdp_assets.sql.values import invalid_reason

LONGEST_TEXT = 100
"""Characters of a cell that are told again in a reason."""
_TOLD = Sql('(p."before" || coalesce(p.item::VARCHAR, \'\') || p."after")')


def with_problems(parquet: Sql) -> Sql:
    """How many rows bring an event with a problem."""
    return sql("SELECT count(*) FROM {parquet} WHERE problems IS NOT NULL", parquet=parquet)


def event_rejects(plan: EventPlan, parquet: Sql, batch: Sql, line: Sql, file_name: str | None) -> Sql:
    """What is wrong with events, as reject rows of level `event`.

    Rows with one key are one event: the items of its earlier rows come before those of a later one. What nobody can
    get is not told. `batch`: the rows of the batch with what identifies them in `match`.
    """
    same = [items.nested.key for items in plan.same]
    before = [
        sql(
            "coalesce(sum(len({items})) OVER (PARTITION BY match, one ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING"
            " AND 1 PRECEDING), 0) AS {name}",
            items=items_column(key),
            name=Sql(f"before_{number}"),
        )
        for number, key in enumerate(same)
    ]
    offset = [
        sql("WHEN {start} THEN {name}", start=literal(f"#/{key}/"), name=Sql(f"before_{number}"))
        for number, key in enumerate(same)
    ]
    shift = sql('CASE p."before" {cases} ELSE 0 END', cases=joined(" ", offset)) if offset else Sql("0")
    return sql(
        "{keyed},\n"
        "suspect AS (SELECT {columns} FROM rejected)\n"
        "SELECT 'event' AS level, row_no, source_line AS line_no, p.column_name, p.raw_text,"
        ' p."before" || coalesce((p.item + {shift})::BIGINT::VARCHAR, \'\') || p."after" AS reason,'
        " {file} AS file_name, match, one"
        " FROM (SELECT unnest(problems) AS p, * EXCLUDE (problems) FROM suspect WHERE problems IS NOT NULL)",
        keyed=_keyed(parquet, batch, line, [items_column(key) for key in same], positional=plan.positional),
        columns=comma([Sql("*"), *before]),
        shift=shift,
        file=literal(file_name),
    )


def event_lines(kind: EventType, parquet: Sql, batch: Sql, line: Sql, *, positional: bool) -> Sql:
    """The line of every row of a rejected event, and why that is left out, in words for who sent it."""
    said = sql(
        "coalesce(p.column_name || ': ', '')"
        " || coalesce(chr(39) || left(p.raw_text, {longest}) || chr(39) || ' is ', '') || {fault}",
        longest=literal(LONGEST_TEXT),
        fault=in_words([kind], _TOLD),
    )
    return sql(
        "{keyed}\n"
        "SELECT source_line AS line_no,"
        " coalesce(array_to_string(list_transform(problems, lambda p: {said}), '; ') || '; ', '')"
        " || coalesce({kind} || ' ' || left(event_id, {longest}), {unnamed}) || ' is left out'"
        " || CASE WHEN problems IS NULL THEN ': see line ' || first_line ELSE '' END AS reason"
        " FROM (SELECT *, min(source_line) FILTER (WHERE problems IS NOT NULL) OVER (PARTITION BY match, one)"
        " AS first_line FROM rejected)",
        keyed=_keyed(parquet, batch, line, [Sql("event_id")], positional=positional),
        said=said,
        kind=literal(kind.id),
        unnamed=literal(f"the {kind.id}"),
        longest=literal(LONGEST_TEXT),
    )


def _keyed(parquet: Sql, batch: Sql, line: Sql, columns: Sequence[Sql], *, positional: bool) -> Sql:
    """Begins a statement: `rejected`, the rows of all events that are, with the key of each in `match` and `one`."""
    return sql(
        "WITH given AS (SELECT file_row_number AS n, * FROM {parquet} WHERE is_event),\n"
        "keyed AS (SELECT n, {line} AS source_line, problems, {columns}row_no, match,"
        " CASE WHEN event_id IS NULL OR event_date IS NULL THEN n::VARCHAR"
        " ELSE event_id || chr(31) || epoch_ms(event_date) END AS one"
        " FROM given JOIN ({batch}) AS batch ON batch.row_no = given.{row} + 1 WHERE match IS NOT NULL),\n"
        "rejected AS (SELECT * FROM keyed"
        " WHERE (match, one) IN (SELECT (match, one) FROM keyed WHERE problems IS NOT NULL))",
        parquet=parquet,
        line=line,
        columns=joined("", [sql("{name}, ", name=name) for name in columns]),
        batch=batch,
        row=Sql("n" if positional else "root_row"),
    )


def told_reason(kinds: Sequence[EventType]) -> Sql:
    """The reason of a reject as people read it: that of an event in words first."""
    return sql(
        "CASE WHEN level = 'event' THEN {words} || '; the event is left out (' || reason || ')' ELSE reason END",
        words=in_words(kinds, Sql("reason")),
    )


def plain_reason(kinds: Sequence[EventType]) -> Sql:
    """The reason of a reject in plain words alone, with its column, without what stood there."""
    return sql(
        "CASE WHEN level = 'event' THEN coalesce(column_name || ': ', '') || {words} ELSE reason END",
        words=in_words(kinds, Sql("reason")),
    )


def reasons_of_batch(kinds: Sequence[EventType]) -> Sql:
    """Why rows, cells and events of a batch were rejected, and how often, the most frequent reason first."""
    return sql(
        "SELECT {reason} AS told, level, count(*) AS n FROM ops.rejects WHERE batch_id = ?"
        " GROUP BY ALL ORDER BY n DESC, 1",
        reason=plain_reason(kinds),
    )


def in_words(kinds: Sequence[EventType], reason: Sql) -> Sql:
    """What is wrong with a cell, in plain words, where `reason` is that of an event; another stays as it is."""
    faults: dict[str, list[str]] = {}
    for kind in kinds:
        for pattern, field in _places(kind.fields):
            told = faults.setdefault(pattern, [])
            told += [fault for fault in [invalid_reason(field.prop, None)] if fault not in told]
    cases = [
        sql(
            "WHEN regexp_matches({reason}, {pattern}) THEN {fault}",
            reason=reason,
            pattern=literal(pattern),
            fault=literal(" or ".join(told)),
        )
        for pattern, told in faults.items()
    ]
    return sql(
        "CASE WHEN {reason} = {missing} THEN 'no valid date'"
        " WHEN regexp_matches({reason}, ': required key .* not found$') THEN 'empty, and must not be'"
        " {cases} ELSE {reason} END",
        reason=reason,
        missing=literal(MISSING_DATE),
        cases=joined(" ", cases),
    )


def _places(fields: Sequence[EventField]) -> list[tuple[str, ItemField]]:
    """How the reasons of each field begin, as a regular expression; keys are plain names."""
    values = [(f"^#/{field.key}/[0-9]+: ", field) for field in fields if not field.fields]
    items = [(f"^#/{field.key}/[0-9]+/{item.key}/[0-9]+: ", item) for field in fields for item in field.fields]
    return [*values, *items]
