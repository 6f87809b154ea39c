"""The rows of a text for the engine: as the file stands where that is safe, else rewritten row by row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.counted import counted
from cdp_assets.files.delimited import Header, encoding_reason, looks_old, rows_of
from cdp_assets.files.line_count import count_lines
from cdp_assets.sql.landing import Source, raw_table
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Rows:
    """A source, and how many rows must come out of it."""

    source: Source
    expected: int
    unreadable: int = 0
    """Rows left out of the source: they stand in `refused`."""
    padded: int = 0
    """Rows with fewer cells than the header."""
    first_padded: int = 0
    """Line of the first of them; 0 = there is none."""
    cut: bool = False
    """Whether the file ends within its last row."""
    refused: Path | None = None
    """Line, raw text and reason of each row that cannot be read."""
    looks_old: bool = False
    """Whether every row that tells its encoding is in the one of an older Windows, and at least one tells."""

    def warnings(self, header: Header) -> tuple[str, ...]:
        """What to tell although the rows are read: that some lack cells, and where the first of them stands."""
        cut = ("the file ends in the middle of its last row, which is rejected: it was most likely cut short",)
        told = cut if self.cut else ()
        if not self.padded:
            return told
        short, place = ("rows have", "the first on line") if self.padded > 1 else ("row has", "line")
        lacks = f"{self.padded:,} {short} fewer cells than {header.told_by} ({place} {self.first_padded:,})"
        return (*told, f"{lacks}: the missing ones count as empty")


def plain_rows(text: Path, header: Header, layout: Format) -> Rows | None:
    """The text as it stands; None where the engine may not be trusted with it."""
    width = len(header.columns)
    lines = count_lines(text, layout, width, header.lines)
    if not lines.plain:
        return None
    return Rows(Source(str(text), width, header.lines, rewritten=False), lines.count - header.lines)


def rewritten_rows(text: Path, header: Header, layout: Format, staging: Path, name: str = "") -> Rows:
    """Reads row by row: what can be read is rewritten without ambiguity, the rest is kept apart."""
    clean, refused = staging / f"clean_{name}.csv", staging / f"refused_{name}.csv"
    width = len(header.columns)
    good = bad = padded = first_padded = 0
    cut = False
    # In a file of both encodings neither is the right one to set.
    told: set[bool | None] = set() if all(name.isascii() for name in header.columns) else {False}
    with clean.open("w", newline="") as kept, refused.open("w", newline="") as left:
        rows = csv.writer(kept, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rejects = csv.writer(left, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in rows_of(text, layout, header):
            cells, reason = record.cells or (), record.reason
            told.add(looks_old(layout, record))
            if not reason and len(cells) < width and not record.raw.endswith((b"\n", b"\r")):
                # Half of a row, and its last cell may be half of what it was.
                cut = True
                reason = f"the file ends within this row: {len(cells)} of {counted(width, 'cell')}, and no end of line"
            if len(cells) > width:
                reason = f"the row has {counted(len(cells), 'cell')}, {header.told_by} {width}"
            if reason:
                bad += 1
                raw = record.raw.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\x00", "\\x00")
                rejects.writerow([record.line, raw, reason])
                continue
            good += 1
            if len(cells) < width:
                padded += 1
                first_padded = first_padded or record.line
            rows.writerow([record.line, *cells, *[""] * (width - len(cells))])
    source, old = Source(str(clean), width, 0, rewritten=True), told - {None} == {True}
    return Rows(source, good, bad, padded, first_padded, cut, refused, old)


def engine_rejects(engine: Database) -> int:
    """How many rows the engine could not read since the last `forget_engine_rejects`."""
    return int(engine.row(Sql("SELECT count(*) FROM reject_errors"))[0])


def forget_engine_rejects(engine: Database) -> None:
    """Lets the next scan begin without what an earlier one left."""
    engine.run(Sql("DROP TABLE IF EXISTS reject_errors"))
    engine.run(Sql("DROP TABLE IF EXISTS reject_scans"))


def load_raw(engine: Database, text: Path, header: Header, layout: Format, staging: Path, table: str) -> Rows:
    """Keeps all readable rows of a text in a table of the engine (see `raw_table`)."""
    plain = plain_rows(text, header, layout)
    if plain is not None and _load(engine, plain, header, layout, table):
        return plain
    careful = rewritten_rows(text, header, layout, staging, table)
    if not _load(engine, careful, header, layout, table):
        message = f"not all of {careful.expected} rows were read back from the clean copy of {text.name}"
        raise AssertionError(message)
    return careful


def _load(engine: Database, rows: Rows, header: Header, layout: Format, table: str) -> bool:
    engine.run(raw_table(rows.source, header.columns, layout, table))
    (count,) = engine.row(sql("SELECT count(*) FROM {table}", table=Sql(table)))
    whole = count == rows.expected and not engine_rejects(engine)
    forget_engine_rejects(engine)
    return whole


def make_reject_table(engine: Database) -> None:
    """An empty table `rejects`. file_name: a linked file; NULL = the root file."""
    engine.run(
        Sql(
            "CREATE OR REPLACE TABLE rejects (level VARCHAR, row_no BIGINT, line_no BIGINT, column_name VARCHAR,"
            " raw_text VARCHAR, reason VARCHAR, file_name VARCHAR)"
        )
    )


def keep_refused(
    engine: Database, rows: Rows, layout: Format, level: str = "row", file_name: str | None = None
) -> None:
    """Adds the rows that could not be read to `rejects`."""
    if rows.refused is None:
        return
    engine.run(
        sql(
            "INSERT INTO rejects SELECT {level}, NULL, line_no, NULL, raw_text,"
            " CASE WHEN reason = {undecodable} THEN {told} ELSE reason END, {file} FROM read_csv({path},"
            " columns = {{'line_no': 'BIGINT', 'raw_text': 'VARCHAR', 'reason': 'VARCHAR'}}, auto_detect = false,"
            " header = false, quote = '\"', escape = '\"', delim = ',', new_line = '\\n', max_line_size = {size})",
            level=literal(level),
            undecodable=literal(encoding_reason(layout)),
            told=literal(encoding_reason(layout, rows.looks_old)),
            file=literal(file_name),
            path=literal(str(rows.refused)),
            size=literal(layout.max_row_bytes * 8),
        )
    )
