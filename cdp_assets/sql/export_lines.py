"""Rows of cells as lines of a delimited file: what is quoted, and how (spec.md 10.2).

The engine's own CSV writer knows neither line ends nor other encodings, nor which blanks matter, so a line is made
here, as one text, and the writer passes it on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdp_assets.config.export_format import ExportFormat
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.text import Sql, ident, joined, literal, sql


@dataclass(frozen=True)
class Cell:
    """One column of the rows to be written."""

    header: str
    column: Sql
    """Its name in the rows; texts, NULL = no value."""
    signs: str = ""
    """All characters its texts can have; empty = any."""
    is_number: bool = False


def line(cells: Sequence[Cell], layout: ExportFormat) -> Sql:
    """One row as a line, without what ends it."""
    alone = len(cells) == 1
    texts = [_cell(cell, layout, alone=alone) for cell in cells]
    separator = literal(layout.separator)
    whole = sql("concat_ws({separator}, {texts})", separator=separator, texts=joined(", ", texts))
    return whole if layout.line_ending == "lf" else sql("{whole} || chr(13)", whole=whole)


def header_line(headers: Iterable[str], layout: ExportFormat) -> str:
    """The header as a line, with its end; rules in check_exports see to it that it can be written."""
    pattern = re.compile(_unquotable(layout).replace(r"\x{FEFF}", "\ufeff").replace(r"\p{Z}", r"\s"))
    texts = []
    for header in headers:
        needs = layout.quoting != "minimal" or header == layout.null_text or pattern.search(header)
        texts.append(_quoted_text(header, layout) if needs and layout.quote else header)
    return layout.separator.join(texts) + layout.line_end


def cannot_be_written(cells: Sequence[Cell], layout: ExportFormat) -> Sql | None:
    """The header of the first column that needs quotes where there are none; None = nothing needs them."""
    if layout.quote:
        return None
    needs = {cell: _needs_quotes(cell, layout) for cell in cells}
    if len(cells) == 1 and not layout.null_text:
        needs[cells[0]] = sql("{column} IS NULL OR {needs}", column=cells[0].column, needs=needs[cells[0]])
    return first_header({cell.header: found for cell, found in needs.items()})


def holds(cells: Sequence[Cell], sign: str) -> Sql:
    """The header of the first column whose text holds a sign."""
    return first_header(
        {cell.header: sql("contains({column}, {sign})", column=cell.column, sign=literal(sign)) for cell in cells}
    )


def first_header(conditions: dict[str, Sql]) -> Sql:
    """The first header whose condition holds; NULL = none does."""
    cases = [
        sql("WHEN {condition} THEN {header}", condition=condition, header=literal(header))
        for header, condition in conditions.items()
    ]
    return sql("CASE {cases} END", cases=joined(" ", cases))


def first_refused(rows: str, refused: Sql) -> Sql:
    """Profile and column of the first row that cannot be written; `rows` is a Parquet file."""
    return sql(
        "SELECT * FROM (SELECT profile_id::VARCHAR, {refused} AS header FROM read_parquet({rows}))"
        " WHERE header IS NOT NULL LIMIT 1",
        refused=refused,
        rows=literal(rows),
    )


ONE_THREAD, ALL_THREADS = Sql("SET threads = 1"), Sql("RESET threads")
"""Around `copy_lines` into a pipe: while one thread of the engine waits for the reader, the others only spin."""


def copy_lines(lines: Sql, path: str) -> Sql:
    """Writes a query's one column as it is, each text followed by LF; gives the number of lines."""
    return sql(
        "COPY (\n{lines}\n) TO {path} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER ',')",
        lines=lines,
        path=literal(path),
    )


def column_of(number: int) -> Sql:
    """The name of a file's column in the rows kept for it; its header is the user's."""
    return ident(f"f{number}")


def _cell(cell: Cell, layout: ExportFormat, *, alone: bool) -> Sql:
    column = _guarded(cell, layout)
    nothing = literal(layout.null_text)
    if not layout.null_text and layout.quote and (alone or layout.quoting == "all"):
        # A line without any sign is no row to most readers.
        nothing = literal(layout.quote * 2)
    quoted = _quoted(column, layout)
    if layout.quoting == "all" or (layout.quoting == "non_numeric" and not cell.is_number):
        return sql(
            "CASE WHEN {cell} IS NULL THEN {nothing} ELSE {quoted} END",
            cell=cell.column,
            nothing=nothing,
            quoted=quoted,
        )
    if not layout.quote or _never_needs_quotes(cell, layout):
        return sql("coalesce({column}, {nothing})", column=column, nothing=nothing)
    return sql(
        "CASE WHEN {cell} IS NULL THEN {nothing} WHEN {needs} THEN {quoted} ELSE {column} END",
        cell=cell.column,
        nothing=nothing,
        needs=_needs_quotes(cell, layout),
        quoted=quoted,
        column=column,
    )


def _guarded(cell: Cell, layout: ExportFormat) -> Sql:
    if not layout.formula_guard or cell.is_number:
        return cell.column
    risky = matches(cell.column, r"^[=+\-@\t\r]")
    return sql("CASE WHEN {risky} THEN '''' || {column} ELSE {column} END", risky=risky, column=cell.column)


def _never_needs_quotes(cell: Cell, layout: ExportFormat) -> bool:
    special = {layout.separator, layout.quote, layout.escape_sign}
    is_null_text = bool(layout.null_text) and set(layout.null_text) <= set(cell.signs)
    return bool(cell.signs) and not special & set(cell.signs) and not is_null_text


def _needs_quotes(cell: Cell, layout: ExportFormat) -> Sql:
    guarded = _guarded(cell, layout)
    needs = matches(guarded, _unquotable(layout))
    if not layout.null_text:
        return needs
    return sql("({needs} OR {cell} = {text})", needs=needs, cell=guarded, text=literal(layout.null_text))


def _unquotable(layout: ExportFormat) -> str:
    """Matches a text that would be read as something else without quotes; outer blanks are often cut off."""
    signs = "".join(re.escape(sign) for sign in dict.fromkeys(layout.separator + layout.quote) if sign)
    if layout.quote:
        signs += re.escape(layout.escape_sign)
    return rf"[{signs}\r\n]|^[\s\p{{Z}}\x{{FEFF}}]|[\s\p{{Z}}]$"


def _quoted(column: Sql, layout: ExportFormat) -> Sql:
    quote, escape = layout.quote, layout.escape_sign
    text = column
    if escape != quote:
        text = sql("replace({text}, {sign}, {twice})", text=text, sign=literal(escape), twice=literal(escape * 2))
    text = sql("replace({text}, {quote}, {safe})", text=text, quote=literal(quote), safe=literal(escape + quote))
    return sql("{quote} || {text} || {quote}", quote=literal(quote), text=text)


def _quoted_text(text: str, layout: ExportFormat) -> str:
    if layout.escape_sign != layout.quote:
        text = text.replace(layout.escape_sign, layout.escape_sign * 2)
    return f"{layout.quote}{text.replace(layout.quote, layout.escape_sign + layout.quote)}{layout.quote}"
