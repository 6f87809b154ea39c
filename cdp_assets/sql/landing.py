"""From a delimited file to a typed batch, in one statement the engine streams.

Reads   a CSV file, by position: columns c0, c1, … (text), in the slow form preceded by `line`
Writes  the batch: line_no (slow form only), identifier, identifier_cell (full files only),
        identifier_invalid, and for mapping n: m<n>, m<n>_invalid
        identifier        canonical text of the identifier; NULL = none, or not valid
        m<n>              the typed value, a LIST where the property holds several; NULL = nothing to apply
        m<n>_invalid      the cell as written where it, or a part of it, is not valid for its type
So a cell was empty exactly where m<n> and m<n>_invalid are both NULL. Row numbers are Parquet's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Columns
from dataclasses import dataclass

from cdp_assets.config.files import Format
from cdp_assets.config.goals import Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.date_detection import DateColumn, KnownFormat
from cdp_assets.sql.dialect import distinct_in_order, value_type
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.values import INVALID, cell_parts, prepared, trimmed, typed

REJECT_COLUMNS = ("level", "row_no", "line_no", "column_name", "raw_text", "reason")
"""Columns of a reject file. level: `row` (not applied) or `cell` (its row still is); row_no NULL = unreadable."""


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
    return sql(
        "read_csv({path}, columns = {{{names}}}, auto_detect = false, header = false, skip = {skip},"
        " delim = {delim}, quote = {quote}, escape = {escape}, new_line = {new_line}, strict_mode = true,"
        " store_rejects = true, rejects_limit = 1, max_line_size = {size}, nullstr = {nothing})",
        path=literal(source.path),
        names=Sql(", ".join(names)),
        skip=literal(source.skip),
        delim=literal(layout.separator),
        quote=literal(layout.quote),
        escape=literal(escape),
        new_line=Sql("'\\n'"),
        size=literal(layout.max_row_bytes + 2),
        nothing=literal("\x01NULL"),
    )


@dataclass(frozen=True)
class Cells:
    """Where the text of every field stands before it is typed."""

    relation: Sql
    columns: Columns[str, Sql]
    """Field → column of the relation; NULL or the empty text = empty cell."""
    line: Sql | None
    """Column with the line number; None = it follows from the row's place."""
    trimmed: bool
    """Whether blanks around unquoted cells are gone: then those that are left were quoted."""


def streamed_cells(source: Source, header: Sequence[str], layout: Format) -> Cells:
    """The cells of a file, read as the batch is written."""
    columns = {name: Sql(f"c{place}") for place, name in enumerate(header)}
    line = Sql("line") if source.rewritten else None
    return Cells(read_csv(source, layout), columns, line, trimmed=source.rewritten)


def raw_table(source: Source, header: Sequence[str], layout: Format) -> Sql:
    """Keeps all cells of a file in the table `raw`: f0, f1, … and, of our own copy, line_no."""
    columns = [Sql("line AS line_no")] if source.rewritten else []
    for place in range(len(header)):
        text = Sql(f"c{place}") if source.rewritten else trimmed(Sql(f"c{place}"))
        columns.append(sql("nullif({text}, '') AS {name}", text=text, name=ident(f"f{place}")))
    return sql("CREATE OR REPLACE TABLE raw AS\n{rows}", rows=_select(columns, read_csv(source, layout)))


def numbered_rows(source: Source) -> Step:
    """The rows of `raw` with their line numbers, as the processors want them."""
    if source.rewritten:
        return Step("numbered", Sql("SELECT * FROM raw"))
    return Step("numbered", sql("SELECT rowid + 1 + {skip} AS line_no, * FROM raw", skip=literal(source.skip)))


def batch_query(config: BatchConfig, cells: Cells, dates: Columns[int, KnownFormat]) -> Sql:
    """The typed batch. `dates`: number of a mapping → the format its column of dates is written in."""
    goal = config.goal
    identifier = goal.identifiers[0]
    fields = [_identifier_field(config.find_property(identifier.property), cells.columns[identifier.column])]
    fields += [
        _mapping_field(number, mapping, config.find_property(mapping.property), cells.columns[mapping.column], dates)
        for number, mapping in enumerate(goal.mappings)
        if mapping.column in cells.columns
    ]
    line = [sql("{line} AS line_no", line=cells.line)] if cells.line is not None else []
    carried = [Sql("line_no")] if line else []
    given = [sql("{cell} AS {name}", cell=_cell(field, cells), name=field.column("cell")) for field in fields]
    texts = [part for field in fields for part in (field.column("cell"), *field.prepared(goal.format))]
    values = [part for field in fields for part in (field.column("cell"), *field.typed(goal.format))]
    raw = [Sql('"identifier_cell"')] if not goal.files.delta else []
    result = [part for field in fields for part in field.result()]
    steps = [
        Step("cells", _select([*line, *given], cells.relation)),
        Step("texts", _select([*carried, *texts], Sql("cells"))),
        Step("typed", _select([*carried, *values], Sql("texts"))),
        Step("batch", _select([*carried, *raw, *result], Sql("typed"))),
    ]
    return chain(steps)


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
        text = sql("nullif({text}, '')", text=trimmed(cells.columns[mapping.column]))
        several = config.find_property(mapping.property).multiple
        columns.append(DateColumn(cell_parts(text, config.goal.format) if several else text, several))
    return columns


def undated_rows(batch: Sql, numbers: Sequence[int]) -> Sql:
    """Whether some cell of these columns could not be read as a date."""
    bad = joined(" OR ", [sql("{name} IS NOT NULL", name=ident(f"m{number}_invalid")) for number in numbers])
    return sql("SELECT count(*) FROM {batch} WHERE {bad}", batch=batch, bad=bad)


def _select(columns: list[Sql], source: Sql) -> Sql:
    return sql("SELECT\n    {columns}\nFROM {source}", columns=comma(columns), source=source)


@dataclass(frozen=True)
class _Field:
    """One cell on its way to one column of the batch."""

    name: str
    prop: Property
    cell: Sql
    scalar: bool
    """Whether the whole cell may be one value."""
    several: bool
    """Whether the cell may be split into values."""
    totalled: bool = False
    dates: KnownFormat | None = None

    def column(self, stage: str) -> Sql:
        return ident(f"{self.name}_{stage}")

    def prepared(self, layout: Format) -> list[Sql]:
        cell = self.column("cell")
        columns = []
        if self.scalar:
            text = prepared(self.prop, cell, layout)
            columns.append(sql("{text} AS {name}", text=text, name=self.column("text")))
        if self.several:
            one = prepared(self.prop, Sql("part"), layout)
            split = sql("list_transform({all}, lambda part: {one})", all=cell_parts(cell, layout), one=one)
            if self.totalled:
                sign = literal(layout.multi_value)
                split = sql("CASE WHEN contains({c}, {s}) THEN {split} END", c=cell, s=sign, split=split)
            columns.append(sql("{split} AS {name}", split=split, name=self.column("texts")))
        return columns

    def typed(self, layout: Format) -> list[Sql]:
        columns = []
        if self.scalar:
            value = typed(self.prop, self.column("text"), layout, self.dates)
            columns.append(sql("{value} AS {name}", value=value, name=self.column("value")))
        if self.several:
            one = typed(self.prop, Sql("part"), layout, self.dates)
            values = sql("list_transform({all}, lambda part: {one})", all=self.column("texts"), one=one)
            columns.append(sql("{values} AS {name}", values=values, name=self.column("values")))
        return columns

    def result(self) -> list[Sql]:
        cell, value, values = (self.column(stage) for stage in ("cell", "value", "values"))
        valid = sql("list_filter({values}, lambda v: v IS NOT NULL)", values=values)
        some_invalid = sql("len({valid}) < len({values})", valid=valid, values=values)
        if self.totalled:
            total = sql("try_cast(list_sum({valid}) AS {kind})", valid=valid, kind=value_type(self.prop))
            some_invalid = sql("coalesce({bad}, true)", bad=some_invalid)
            too_large = sql("len({valid}) > 0 AND {total} IS NULL", valid=valid, total=total)
            bad = sql("{value} IS NULL AND ({some} OR {large})", value=value, some=some_invalid, large=too_large)
            found = sql("coalesce({value}, {total})", value=value, total=total)
        elif self.several:
            found, bad = sql("nullif({distinct}, [])", distinct=distinct_in_order(valid)), some_invalid
        else:
            found, bad = value, sql("{value} IS NULL", value=value)
        if self.name == "identifier":
            found = sql("{found}::VARCHAR", found=found)
        return [
            sql("{found} AS {name}", found=found, name=ident(self.name)),
            sql("CASE WHEN {bad} THEN {cell} END AS {name}", bad=bad, cell=cell, name=self.column("invalid")),
        ]


def _cell(field: _Field, cells: Cells) -> Sql:
    """A cell's text, NULL where it is empty. Blanks inside quotes are kept in texts, and mean nothing elsewhere."""
    text = field.cell
    if not cells.trimmed or field.prop.type is not PropertyType.text:
        text = trimmed(text)
    return sql("nullif({text}, '')", text=text)


def _identifier_field(prop: Property, cell: Sql) -> _Field:
    return _Field("identifier", prop, cell, scalar=True, several=False)


def _mapping_field(
    number: int, mapping: Mapping, prop: Property, cell: Sql, dates: Columns[int, KnownFormat]
) -> _Field:
    name, decided = f"m{number}", dates.get(number)
    if prop.multiple:
        return _Field(name, prop, cell, scalar=False, several=True, dates=decided)
    totalled = mapping.rule is Rule.sum
    return _Field(name, prop, cell, scalar=True, several=totalled, totalled=totalled, dates=decided)


def cell_rejects(config: BatchConfig, present: frozenset[str], batch: Sql, line: Sql) -> Sql:
    """What the batch could not type, as reject rows: identifiers refuse their row, other cells themselves."""
    parts = []
    identifier = config.goal.identifiers[0]
    parts.append(
        _rejects_of("row", identifier.column, config.find_property(identifier.property), Sql("identifier_invalid"))
    )
    for number, mapping in enumerate(config.goal.mappings):
        if mapping.column in present:
            prop = config.find_property(mapping.property)
            parts.append(_rejects_of("cell", mapping.column, prop, ident(f"m{number}_invalid")))
    return sql(
        "WITH numbered AS (\nSELECT *, file_row_number + 1 AS row_no, {line} AS source_line FROM {batch}\n)\n{parts}",
        line=line,
        batch=batch,
        parts=Sql("\nUNION ALL\n".join(parts)),
    )


def _rejects_of(level: str, column: str, prop: Property, text: Sql) -> Sql:
    return sql(
        "SELECT {level} AS level, row_no, source_line AS line_no, {column} AS column_name,"
        " {text} AS raw_text, {reason} AS reason FROM numbered WHERE {text} IS NOT NULL",
        level=literal(level),
        column=literal(column),
        text=text,
        reason=literal(f"{prop.name}: {INVALID[prop.type]}"),
    )


def parquet_rows(paths: list[str], *, numbered: bool = True) -> Sql:
    """The rows of Parquet files whose names we made ourselves; `file_row_number` counts from 0."""
    names = Sql("[" + ", ".join(literal(path) for path in paths) + "]")
    return sql("read_parquet({names}, file_row_number = {numbered})", names=names, numbered=literal(numbered))


def reject_sample_query(parquet: str, limit: int) -> Sql:
    """The first rejects of a batch: line, column, text, reason."""
    return sql(
        "SELECT line_no, column_name, raw_text, reason FROM read_parquet({parquet}) ORDER BY line_no LIMIT {limit}",
        parquet=literal(parquet),
        limit=literal(limit),
    )
