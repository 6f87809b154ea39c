"""Broken, odd and hostile files: every row is kept as a row or as a reject, and no row harms another."""

from __future__ import annotations

import csv
import io
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets.config.files import Format
from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.files.delimited import Record, read_header, records
from cdp_assets.flows.write_batch import Job, write_batch, write_carefully, write_fast
from cdp_assets.sql.landing import parquet_rows
from cdp_assets.sql.text import sql
from cdp_assets.warehouse import scratch
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

FORMATS = (
    {},
    {"separator": ";"},
    {"separator": "\\t"},
    {"quote": ""},
    {"escape": ""},
    {"escape": "\\"},
    {"separator": ";", "quote": "'", "escape": "'"},
)
formats = st.sampled_from(FORMATS)
texts = st.text("aab\",;\n\r \t\\'", max_size=30).map(str.encode)
byte_strings = st.one_of(
    texts,
    st.lists(st.one_of(texts, st.binary(max_size=4)), max_size=6).map(b"".join),
    st.lists(
        st.sampled_from(
            [
                b"a,b\n",
                b'"a","b"\n',
                b'"a',
                b'a,"b\n',
                b'"x"y,\n',
                b"\xff,\n",
                b"\x00\n",
                b"\n",
                b"a\r\n",
                b'"a\nb",c\n',
                b'""",\n',
            ]
        ),
        max_size=8,
    ).map(b"".join),
)
QUICK = settings(deadline=None, derandomize=True, max_examples=120)
LANDS = settings(deadline=None, derandomize=True, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(deadline=None, derandomize=True, max_examples=drawn(150), suppress_health_check=[HealthCheck.too_slow])


def config_of(layout: dict[str, str], root: Path) -> BatchConfig:
    goal = {
        "type": "import_profiles",
        "name": "g",
        "files": {"root": "g.csv", "delta": False},
        "format": layout | {"max_row_bytes": 1024},
        "identifiers": [{"column": "k", "property": "key"}],
        "mappings": [{"column": "v", "property": "city", "rule": "set_or_clear"}],
    }
    return Lab(root, deployment([{"name": "key"}, {"name": "city"}], [goal])).config("g")


def read_all(data: bytes, layout: dict[str, str]) -> list[Record]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(data)
        return list(records(path, Format(**layout, max_row_bytes=1024)))


def content_lines(data: bytes) -> list[bytes]:
    """Lines that hold more than their end; CR, LF and CRLF all end one."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [line for line in text.split(b"\n") if line]


@QUICK
@given(byte_strings, formats)
def test_every_line_is_part_of_exactly_one_record(data, layout):
    found = read_all(data, layout)
    assert [line for record in found for line in content_lines(record.raw)] == content_lines(data)
    numbers = [record.line for record in found]
    assert numbers == sorted(set(numbers))
    assert all((record.cells is None) == bool(record.reason) for record in found)


good_rows = st.lists(st.sampled_from([b"a,b", b"p,q r", b"x,"]), max_size=4)


@QUICK
@given(good_rows, texts, good_rows)
def test_the_neighbours_of_a_broken_row_survive(before, broken, after):
    broken = broken.replace(b"\n", b"")
    found = read_all(b"\n".join([*before, broken, *after, b""]), {})
    expected = [tuple(row.decode().split(",")) for row in after]
    assert [record.cells for record in found[: len(before)]] == [tuple(row.decode().split(",")) for row in before]
    assert [record.cells for record in found[len(found) - len(after) :]] == expected


cell = st.text('a"b,; \t\n\r\\é', max_size=5)
tables = st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), max_size=5))


@QUICK
@given(tables, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_a_csv_library_wrote_is_read_back(table, separator, ending):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator=ending).writerows(table)
    found = read_all(text.getvalue().encode(), {"separator": separator})
    assert [list(record.cells or ()) for record in found] == table


def landed_rows(folder: Path, counts: dict[str, object]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """(line, cells) of the batch, and the rejects."""
    skipped = counts["header_lines"]
    line = "line_no" if skipped is None else f"file_row_number + 1 + {skipped}"
    with scratch() as engine:
        rows = engine.rows(
            sql(
                f"SELECT {line}, identifier, identifier_cell, m0, m0_invalid FROM {{batch}} ORDER BY 1",
                batch=parquet_rows([str(folder / "batch.parquet")]),
            )
        )
        rejects = engine.rows(
            sql(
                "SELECT level, line_no, column_name, raw_text, reason FROM {rejects} ORDER BY ALL",
                rejects=parquet_rows([str(folder / "rejects.parquet")]),
            )
        )
    return rows, rejects


def check_landing(body: bytes, layout: dict[str, str]) -> None:
    """No row is lost, and the fast way gives what the careful way gives wherever it is taken."""
    separator = Format(**layout).separator
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        config = config_of(layout, root / "lab")
        received = root / "received"
        received.write_bytes(f"k{separator}v\n".encode() + body)
        expected = list(records(received, config.goal.format, width=2))[1:]
        results = []
        for way in ("chosen", "careful"):
            content = root / way
            content.mkdir()
            written = (
                write_batch(config, received, content, root, EPOCH)
                if way == "chosen"
                else careful(config, received, content, root)
            )
            counts = written.counts
            rows, rejects = landed_rows(content, counts)
            unreadable = [reject for reject in rejects if reject[0] == "row" and reject[2] is None]
            assert counts["rows_received"] == len(rows) + len(unreadable) == len(expected)
            assert counts["rows_rejected"] == sum(reject[0] == "row" for reject in rejects)
            assert {line for line, *_ in rows} | {reject[1] for reject in unreadable} == {row.line for row in expected}
            results.append((rows, rejects, {key: value for key, value in counts.items() if key != "header_lines"}))
        assert results[0] == results[1]


def careful(config: BatchConfig, received: Path, content: Path, staging: Path) -> dict[str, object]:
    with scratch() as engine:
        header = read_header(received, config.goal.format)
        return write_carefully(engine, Job(config, header, received, content, staging, EPOCH))


@LANDS
@example(b'1, "a "\n', {})
@example(b"1,a\r\n2,b\r\n", {})
@example(b'1,"a""b"\n2,a"b\n', {})
@example(b";;\n", {"separator": ";"})
@example(b"1,a,\n2,b\n", {})
@example(b"1,a\n2,b,", {})
@example(b"1,\n2,b\n", {})
@given(byte_strings, formats)
def test_no_row_is_lost_and_both_ways_read_the_same(body, layout):
    check_landing(body, layout)


simple_lines = st.lists(st.text("1ab\", ;'\\", max_size=8).map(lambda text: f"{text}\n".encode()), max_size=6)


@LANDS
@given(simple_lines.map(b"".join), formats)
def test_the_fast_way_reads_what_the_careful_way_reads(body, layout):
    check_landing(body, layout)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@LONG
@given(st.one_of(byte_strings, simple_lines.map(b"".join)), formats)
def test_no_row_is_lost_of_very_many_files(body, layout):
    check_landing(body, layout)


def test_lines_that_each_leave_a_quote_open_are_read_in_bounded_time(tmp_path):
    """Once every such line was followed to the end of the file: 2,000 of them took many seconds, 20,000 hours."""
    (tmp_path / "f.csv").write_bytes(b"k,v\n" + b'a",",\n' * 20_000)
    started = time.process_time()
    found = list(records(tmp_path / "f.csv", Format(), width=2))
    assert len(found) == 20_001
    assert time.process_time() - started < 20


def test_the_fast_way_is_taken_for_a_clean_file(tmp_path):
    config = config_of({}, tmp_path / "lab")
    received = tmp_path / "received"
    received.write_bytes(b'k,v\n1,a\n2,"b,c"\n')
    with scratch() as engine:
        header = read_header(received, config.goal.format)
        assert write_fast(engine, Job(config, header, received, tmp_path, tmp_path, EPOCH)) is not None


@LANDS
@given(st.one_of(byte_strings, byte_strings.map(b"k".__add__), byte_strings.map(b'"k",v'.__add__)), formats)
def test_any_bytes_at_all_land_or_are_refused_with_a_reason(data, layout):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        config = config_of(layout, root / "lab")
        (root / "received").write_bytes(data)
        (root / "batch").mkdir()
        with suppress(FileError):
            write_batch(config, root / "received", root / "batch", root, EPOCH)
