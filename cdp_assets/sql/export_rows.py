"""From the rows kept for an export to those that are written: processors, differences, parts (spec.md 10).

Runs in a scratch database, so that nobody waits for the warehouse meanwhile.

Reads   rows, before (Parquet; see exports.py)
Writes  (Parquet) final: line_no, profile_id, row_digest, action, one text per column of the file, in order of line_no
        (Parquet) delivered: profile_id, row_digest, action
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.export_format import ExportFormat
from cdp_assets.sql.dialect import digest64
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql


@dataclass(frozen=True)
class LineEnd:
    """A place in a run of lines."""

    number: int
    """Of the line, from 1; 0 = before the first."""
    ends_at: int
    """Bytes up to its end, without the header."""


def numbered(rows: str) -> Step:
    """The rows as processors want them: numbered in the order of the file."""
    return Step(
        "kept",
        sql(
            "SELECT file_row_number AS line_no, * EXCLUDE (file_row_number, refused, action)"
            " FROM read_parquet({rows}, file_row_number = true)",
            rows=literal(rows),
        ),
    )


def keep_final(steps: Sequence[Step], columns: Sequence[Sql], path: str) -> Sql:
    """Writes the rows of the last step as they go into the file; `columns` are theirs, in the file's order."""
    rows = chain(
        steps,
        sql(
            "SELECT line_no, profile_id, row_digest, 'added' AS action, {columns} FROM {last}",
            columns=_renamed(columns),
            last=ident(steps[-1].name),
        ),
    )
    return _to_parquet(rows, path)


def keep_difference(today: str, before: str, width: int, id_columns: Sequence[int], path: str) -> Sql:
    """Of the rows of today those that were added or changed, followed by one for each that was removed.

    The digest becomes that of the row as written, so that applying the difference gives the very rows of today.
    `width` is the number of columns, `id_columns` are the places of the profile id: all a removed row has.
    """
    names = [_final_name(place) for place in range(width)]
    digest = digest64(sql("to_json([{cells}])::VARCHAR", cells=joined(", ", names)))
    now = Step(
        "now",
        sql(
            "SELECT * REPLACE ({digest} AS row_digest) FROM read_parquet({today})", digest=digest, today=literal(today)
        ),
    )
    had = Step("had", sql("SELECT profile_id, row_digest FROM read_parquet({before})", before=literal(before)))
    cells = [sql("now.{name}", name=name) for name in names]
    gone = [sql("had.profile_id::VARCHAR") if place in id_columns else Sql("NULL::VARCHAR") for place in range(width)]
    rows = chain(
        [now, had],
        sql(
            "SELECT now.line_no, now.profile_id, now.row_digest,"
            " CASE WHEN had.profile_id IS NULL THEN 'added' ELSE 'changed' END AS action, {cells}\n"
            "FROM now LEFT JOIN had ON had.profile_id = now.profile_id\n"
            "WHERE had.row_digest IS DISTINCT FROM now.row_digest\nUNION ALL\n"
            "SELECT 9223372036854775807, had.profile_id, had.row_digest, 'removed', {gone}\n"
            "FROM had ANTI JOIN now ON now.profile_id = had.profile_id\nORDER BY line_no, profile_id",
            cells=comma(cells),
            gone=comma(gone),
        ),
    )
    return _to_parquet(rows, path)


def keep_delivered(final: str, path: str) -> Sql:
    """Writes what a delivery of these rows will mean."""
    query = sql("SELECT profile_id, row_digest, action FROM read_parquet({final})", final=literal(final))
    return _to_parquet(query, path)


def count_final(final: str) -> Sql:
    """Rows to be written for each action."""
    return sql("SELECT action, count(*) FROM read_parquet({final}) GROUP BY action", final=literal(final))


def count_rows(rows: str) -> Sql:
    """How many rows there are."""
    return sql("SELECT count(*) FROM read_parquet({rows})", rows=literal(rows))


def first_ambiguous(rows: str) -> Sql:
    """Profile and column of the first value that holds the multi-value separator."""
    return sql(
        "SELECT profile_id::VARCHAR, refused FROM read_parquet({rows}) WHERE refused IS NOT NULL LIMIT 1",
        rows=literal(rows),
    )


def lines_of(final: str, line: Sql, action: str | None) -> Sql:
    """The lines of one file, in order; `action` None = all rows."""
    chosen = sql(" WHERE action = {action}", action=literal(action)) if action else Sql("")
    return sql(
        "SELECT {line} AS line FROM read_parquet({final}){chosen}", line=line, final=literal(final), chosen=chosen
    )


def keep_lines(lines: Sql, layout: ExportFormat, path: str) -> Sql:
    """Writes numbered lines with where each ends, for a delivery in parts: `ends_at` counts bytes of the file."""
    return _to_parquet(
        sql(
            "SELECT row_number() OVER () AS number, line,"
            " sum({size}) OVER (ROWS UNBOUNDED PRECEDING)::BIGINT AS ends_at FROM (\n{lines}\n)",
            size=_bytes(layout),
            lines=lines,
        ),
        path,
    )


def part_end(path: str, begins: LineEnd, most: LineEnd) -> Sql:
    """The last line of a part that begins behind a line, and has so many lines and bytes at most, but one line."""
    return sql(
        "SELECT max(number), max(ends_at) FROM read_parquet({path}) WHERE number > {after} AND number <= {last}"
        " AND (ends_at <= {end} OR number = {after} + 1)",
        path=literal(path),
        after=literal(begins.number),
        last=literal(begins.number + most.number),
        end=literal(begins.ends_at + most.ends_at),
    )


def part_lines(path: str, after: int, last: int) -> Sql:
    """The lines of a part."""
    return sql(
        "SELECT line FROM read_parquet({path}) WHERE number > {after} AND number <= {last}",
        path=literal(path),
        after=literal(after),
        last=literal(last),
    )


def _bytes(layout: ExportFormat) -> Sql:
    """Bytes of a line with the LF behind it; a CR stands in the line."""
    match layout.encoding:
        case "utf-8":
            return Sql("strlen(line) + 1")
        case "utf-16":
            # Characters beyond the first 65,536 take two units; only they take four bytes of UTF-8.
            astral = sql(
                "length(line) - length(regexp_replace(line, {wide}, '', 'g'))", wide=literal("[\U00010000-\U0010ffff]")
            )
            return sql("2 * (length(line) + ({astral}) + 1)", astral=astral)
        case _:
            return Sql("length(line) + 1")


def _final_name(place: int) -> Sql:
    return ident(f"f{place}")


def _renamed(columns: Sequence[Sql]) -> Sql:
    return comma(
        sql("{column} AS {name}", column=column, name=_final_name(place)) for place, column in enumerate(columns)
    )


def _to_parquet(query: Sql, path: str) -> Sql:
    return sql("COPY (\n{query}\n) TO {path} (FORMAT parquet)", query=query, path=literal(path))


def first_rows(final: str, width: int, most: int) -> Sql:
    """Action and cells of the first rows, as they go into the file."""
    return sql(
        "SELECT action, {columns} FROM read_parquet({final}) LIMIT {most}",
        columns=comma(_final_name(place) for place in range(width)),
        final=literal(final),
        most=literal(most),
    )
