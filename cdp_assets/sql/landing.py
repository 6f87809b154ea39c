"""From a delimited file to a typed batch, in one statement the engine streams.

Reads   a CSV file, by position: columns c0, c1, … (text), in the slow form preceded by `line`
Writes  the batch: line_no (slow form only), what identifies the row (sql/identifiers.py), and for mapping n:
        m<n>, m<n>_invalid
        m<n>              the typed value, a LIST where the property holds several; NULL = nothing to apply
        m<n>_invalid      the cell as written where it, or a part of it, is not valid for its type
So a cell was empty exactly where m<n> and m<n>_invalid are both NULL. Row numbers are Parquet's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Columns
from dataclasses import dataclass, replace

from cdp_assets.config.files import Format
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import PropertyType
from cdp_assets.sql.date_detection import DateColumn, KnownFormat
from cdp_assets.sql.fields import Cells, Field, cell_of, mapping_field
from cdp_assets.sql.identifiers import identifier_fields, identifier_rejects, keyed, raw_cells
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.values import invalid_reason, trimmed

REJECT_COLUMNS = ("level", "row_no", "line_no", "column_name", "raw_text", "reason")
"""Columns of a reject file. level: `row` (not applied) or `cell` (its row still is); row_no NULL = unreadable."""


NO_CELL = "\x01NULL"
"""What the engine takes for NULL in place of the empty text, which stays a text."""


@dataclass(frozen=True)
class Source:
    """A file the engine is about to read."""

    path: str
    columns: int
    skip: int
    """Physical lines before the first row."""
    rewritten: bool
    """True: our own clean copy with the line number in front; False: the file as received."""


def read_csv(source: Source, layout: Format) -> Sql:
    """The rows of a file as text; nothing is guessed, and what does not fit lands in `reject_errors`."""
    names = [Sql(f"'c{number}': 'VARCHAR'") for number in range(source.columns)]
    if source.rewritten:
        names.insert(0, Sql("'line': 'BIGINT'"))
        layout = Format(max_row_bytes=layout.max_row_bytes * 2)
    escape = layout.escape if layout.quote else ""
    # The engine refuses a null text with the escape in it; a file that has one is never read as received.
    nulls = [NO_CELL, *(text for text in layout.null_texts if not escape or escape not in text)]
    return sql(
        "read_csv({path}, columns = {{{names}}}, auto_detect = false, header = false, skip = {skip},"
        " delim = {delim}, quote = {quote}, escape = {escape}, new_line = {new_line}, strict_mode = true,"
        " store_rejects = true, rejects_limit = 1, max_line_size = {size}, nullstr = [{nulls}],"
        " allow_quoted_nulls = false)",
        path=literal(source.path),
        names=Sql(", ".join(names)),
        skip=literal(source.skip),
        delim=literal(layout.separator),
        quote=literal(layout.quote),
        escape=literal(escape),
        new_line=Sql("'\\n'"),
        size=literal(layout.max_row_bytes + 2),
        nulls=joined(", ", [literal(text) for text in nulls]),
    )


def streamed_cells(source: Source, header: Sequence[str], layout: Format) -> Cells:
    """The cells of a file, read as the batch is written."""
    columns = {name: Sql(f"c{place}") for place, name in enumerate(header)}
    line = Sql("line") if source.rewritten else None
    return Cells(read_csv(source, layout), columns, line, trimmed=source.rewritten)


def first_rows(cells: Cells, most: int) -> Cells:
    """The cells of the first rows only."""
    return replace(cells, relation=sql("(SELECT * FROM {rows} LIMIT {most})", rows=cells.relation, most=literal(most)))


def raw_table(source: Source, header: Sequence[str], layout: Format, table: str = "raw") -> Sql:
    """Keeps all cells of a file in a table: f0, f1, … and, of our own copy, line_no."""
    columns = [Sql("line AS line_no")] if source.rewritten else []
    for place in range(len(header)):
        text = Sql(f"c{place}") if source.rewritten else trimmed(Sql(f"c{place}"))
        columns.append(sql("nullif({text}, '') AS {name}", text=text, name=ident(f"f{place}")))
    rows = selected(columns, read_csv(source, layout))
    return sql("CREATE OR REPLACE TABLE {table} AS\n{rows}", table=ident(table), rows=rows)


def numbered_rows(source: Source, table: str = "raw") -> Step:
    """The rows of such a table with their line numbers, as the processors want them."""
    raw = ident(table)
    if source.rewritten:
        return Step("numbered", sql("SELECT * FROM {raw}", raw=raw))
    line = sql("rowid + 1 + {skip} AS line_no", skip=literal(source.skip))
    return Step("numbered", sql("SELECT {line}, * FROM {raw}", line=line, raw=raw))


def batch_query(config: BatchConfig, cells: Cells, dates: Columns[int, KnownFormat]) -> Sql:
    """The typed batch. `dates`: number of a mapping → the format its column of dates is written in."""
    goal = config.goal
    identifiers = identifier_fields(config, cells)
    fields = identifiers + [
        mapping_field(number, mapping, config.find_property(mapping.property), cells, dates.get(number))
        for number, mapping in enumerate(goal.mappings)
        if mapping.column in cells.columns
    ]
    line = [(cells.line, Sql("line_no"))] if cells.line is not None else []
    line += [(ident(name), ident(name)) for name in cells.carried]
    carried = [name for _, name in line]
    raw = raw_cells(config, cells.columns)
    result = [part for field in fields for part in field.result()]
    steps = [
        *typing_steps(fields, cells, goal.format, line),
        Step("batch", selected([*carried, *raw, *result], Sql("typed"))),
        *keyed(config, cells.columns, "batch"),
    ]
    return chain(steps)


def typing_steps(
    fields: Sequence[Field], cells: Cells, layout: Format, carried: Sequence[tuple[Sql, Sql]] = ()
) -> list[Step]:
    """Steps to `typed`: every field in its stages, with some columns beside. `carried`: expression, name."""
    beside = [sql("{value} AS {name}", value=value, name=name) for value, name in carried]
    names = [name for _, name in carried]
    given = [sql("{cell} AS {name}", cell=cell_of(field, cells), name=field.column("cell")) for field in fields]
    plain = [part for field in fields for part in (field.column("cell"), *field.plain(layout))]
    texts = [part for field in fields for part in (field.column("cell"), *field.prepared(layout))]
    values = [part for field in fields for part in (field.column("cell"), *field.typed(layout))]
    return [
        Step("cells", selected([*beside, *given], cells.relation)),
        Step("plain", selected([*names, *plain], Sql("cells"))),
        Step("texts", selected([*names, *texts], Sql("plain"))),
        Step("typed", selected([*names, *values], Sql("texts"))),
    ]


def detected_dates(config: BatchConfig, present: Collection[str]) -> list[int]:
    """Numbers of the mappings whose column's date format is to be found out."""
    if config.goal.format.date_format != "auto":
        return []
    return [
        number
        for number, mapping in enumerate(config.goal.mappings)
        if mapping.column in present and config.find_property(mapping.property).type is PropertyType.datetime
    ]


def date_columns(config: BatchConfig, cells: Cells, numbers: Sequence[int]) -> list[DateColumn]:
    """Their texts, for `detection_query`."""
    columns = []
    for number in numbers:
        mapping = config.goal.mappings[number]
        field = mapping_field(number, mapping, config.find_property(mapping.property), cells)
        texts = cell_of(field, cells)
        columns.append(DateColumn(field.parts(texts, config.goal.format) if field.several else texts, field.several))
    return columns


def undated_rows(batch: Sql, numbers: Sequence[int]) -> Sql:
    """Whether some cell of these columns could not be read as a date."""
    bad = joined(" OR ", [sql("{name} IS NOT NULL", name=ident(f"m{number}_invalid")) for number in numbers])
    return sql("SELECT count(*) FROM {batch} WHERE {bad}", batch=batch, bad=bad)


def selected(columns: Sequence[Sql], source: Sql) -> Sql:
    """Columns of a relation, one a line."""
    return sql("SELECT\n    {columns}\nFROM {source}", columns=comma(columns), source=source)


def cell_rejects(
    config: BatchConfig, present: frozenset[str], batch: Sql, line: Sql, dates: Columns[int, KnownFormat]
) -> Sql:
    """What the batch could not type, as reject rows: identifiers refuse their row, other cells themselves.

    A cell that rejects its row is not told once more as a cell. `dates`: the formats that were found out, by the
    number of the mapping.
    """
    parts = [_rejects_of("row", *told) for told in identifier_rejects(config)]
    identifying = {item.column for item in config.goal.identifier_columns}
    for number, mapping in enumerate(config.goal.mappings):
        if mapping.column in present:
            prop = config.find_property(mapping.property)
            why = invalid_reason(prop, config.goal.format, dates.get(number))
            text, reason = ident(f"m{number}_invalid"), literal(f"{prop.name}: {why}")
            told = Sql("" if mapping.column not in identifying else " AND identifier_invalid IS NULL")
            where = sql("{text} IS NOT NULL {told}", text=text, told=told)
            parts.append(_rejects_of("cell", mapping.column, text, where, reason))
    return sql(
        "WITH numbered AS (\nSELECT *, file_row_number + 1 AS row_no, {line} AS source_line FROM {batch}\n)\n{parts}",
        line=line,
        batch=batch,
        parts=Sql("\nUNION ALL\n".join(parts)),
    )


def _rejects_of(level: str, column: str, text: Sql, where: Sql, reason: Sql) -> Sql:
    return sql(
        "SELECT {level} AS level, row_no, source_line AS line_no, {column} AS column_name,"
        " {text} AS raw_text, {reason} AS reason FROM numbered WHERE {where}",
        level=literal(level),
        column=literal(column),
        text=text,
        reason=reason,
        where=where,
    )


def parquet_rows(paths: list[str], *, numbered: bool = True) -> Sql:
    """The rows of Parquet files whose names we made ourselves; `file_row_number` counts from 0."""
    names = Sql("[" + ", ".join(literal(path) for path in paths) + "]")
    return sql("read_parquet({names}, file_row_number = {numbered})", names=names, numbered=literal(numbered))


def reject_sample_query(parquet: str, limit: int, told: Sql) -> Sql:
    """The first rejects of a batch: line, column, text, and the reason as it is `told`."""
    return sql(
        "SELECT line_no, column_name, raw_text, {told} FROM read_parquet({parquet}) ORDER BY line_no LIMIT {limit}",
        told=told,
        parquet=literal(parquet),
        limit=literal(limit),
    )


def reject_reasons_query(parquet: str) -> Sql:
    """Why rows were refused, the commonest reason first, and how often."""
    return sql(
        "SELECT reason, count(*) FROM read_parquet({parquet}) WHERE level = 'row' GROUP BY reason ORDER BY 2 DESC, 1",
        parquet=literal(parquet),
    )


def rejected_rows_query(parquet: str, limit: int) -> Sql:
    """Line and reason of the first rows that were refused: nothing of what stands in them."""
    return sql(
        "SELECT line_no, reason FROM read_parquet({parquet}) WHERE level = 'row' ORDER BY line_no LIMIT {limit}",
        parquet=literal(parquet),
        limit=literal(limit),
    )
