"""Which rows of a pass were left out, as they are about nobody who is known or identify nobody.

Reads   batch_rows, key_targets, applied (full files only), id_shut (where consent is asked); batch.parquet
Writes  ops.rows_left_out
"""

from __future__ import annotations

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.tables import ROWS_LEFT_OUT
from cdp_assets.sql.text import Sql, literal, sql

NOT_FOUND = "about nobody who is known"
NO_IDENTIFIER = "without an identifier"

_ENTER = (
    "INSERT INTO {table} (batch_id, row_no, line_no, reason)\n"
    "SELECT {batch}, row_no, {line}, {reason} FROM ({rows}) AS given {lines} ORDER BY row_no"
)


def note_not_found(config: BatchConfig, batch_id: str, parquet: str, header_lines: int | None) -> Sql:
    """Enters a batch's rows that found nobody and may not make anybody; those that lack consent stand elsewhere."""
    rows = sql(
        "SELECT row_no FROM batch_rows AS found ANTI JOIN key_targets USING (key) {acts} {shut}"
        " WHERE key IS NOT NULL AND batch_id = {batch}",
        acts=Sql("" if config.goal.files.delta else "SEMI JOIN applied USING (ordinal)"),
        shut=Sql("ANTI JOIN id_shut USING (ordinal)" if config.is_gated else ""),
        batch=literal(batch_id),
    )
    return _entered(rows, batch_id, parquet, header_lines, NOT_FOUND)


def note_unidentified(batch_id: str, parquet: str, header_lines: int | None) -> Sql:
    """Enters a batch's rows without a value in an identifier column."""
    rows = sql(
        "SELECT file_row_number + 1 AS row_no FROM read_parquet({path}, file_row_number = true)"
        " WHERE identifier IS NULL AND identifier_invalid IS NULL",
        path=literal(parquet),
    )
    return _entered(rows, batch_id, parquet, header_lines, NO_IDENTIFIER)


def _entered(rows: Sql, batch_id: str, parquet: str, header_lines: int | None, reason: str) -> Sql:
    line, lines = Sql("line_no"), Sql("")
    if header_lines is None:
        lines = sql(
            "JOIN (SELECT file_row_number + 1 AS row_no, line_no FROM read_parquet({path}, file_row_number = true))"
            " AS placed USING (row_no)",
            path=literal(parquet),
        )
    else:
        line = sql("row_no + {before}", before=literal(header_lines))
    return sql(
        _ENTER,
        table=ROWS_LEFT_OUT.path,
        batch=literal(batch_id),
        line=line,
        reason=literal(reason),
        rows=rows,
        lines=lines,
    )


LEFT_OUT = sql(
    "SELECT row_no, line_no, reason FROM {table} WHERE batch_id = ? ORDER BY row_no", table=ROWS_LEFT_OUT.path
)
LEFT_OUT_COUNTS = sql(
    "SELECT batch_id, count(*) FILTER (reason = {lost}), count(*) FILTER (reason = {none}) FROM {table} GROUP BY 1",
    table=ROWS_LEFT_OUT.path,
    lost=literal(NOT_FOUND),
    none=literal(NO_IDENTIFIER),
)
"""Per batch, how many rows are about nobody who is known, and how many are without an identifier."""
LEFT_OUT_LINES = Sql("left_out_lines")
MAKE_LEFT_OUT = Sql(
    "CREATE OR REPLACE TEMP TABLE left_out_lines (level VARCHAR DEFAULT 'row', row_no BIGINT, line_no BIGINT,"
    " column_name VARCHAR, reason VARCHAR, file_name VARCHAR)"
)
"""Rows that were left out, as rejects are told."""
