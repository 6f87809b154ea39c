"""Files without a header, with a preamble, comments and texts for nothing: both ways of reading give one batch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets.errors import FileError
from cdp_assets.files.delimited import CHUNK_BYTES, read_header, rows_of
from cdp_assets.files.line_count import count_lines
from cdp_assets.flows.write_batch import Job, write_batch, write_carefully, write_fast
from cdp_assets.sql.landing import parquet_rows
from cdp_assets.sql.text import sql
from cdp_assets.warehouse import scratch
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

LANDS = settings(deadline=None, derandomize=True, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(deadline=None, derandomize=True, max_examples=drawn(200), suppress_health_check=[HealthCheck.too_slow])
HEADERLESS = {"header": False}


def config_of(layout, root, columns=("1", "2")):
    key, value = columns
    goal = {
        "type": "import_profiles",
        "name": "g",
        "files": {"root": "g.csv", "delta": False},
        "format": {"max_row_bytes": 1024} | layout,
        "identifiers": [{"column": key, "property": "key"}],
        "mappings": [
            {"column": key, "property": "again", "rule": "set_or_clear"},
            {"column": value, "property": "city", "rule": "set_or_clear"},
        ],
    }
    return Lab(root / "lab", deployment([{"name": name} for name in ("key", "again", "city")], [goal])).config("g")


def landed(content, counts):
    """(line, cells) of the batch; (line, column, text, reason) of the rejects."""
    skipped = counts["header_lines"]
    line = "line_no" if skipped is None else f"file_row_number + 1 + {skipped}"
    rejected = "line_no, column_name, raw_text, reason"
    with scratch() as engine:
        batch, rejects = (parquet_rows([str(content / f"{name}.parquet")]) for name in ("batch", "rejects"))
        rows = engine.rows(
            sql(f"SELECT {line}, COLUMNS('^(identifier_cell|m[01])$') FROM {{batch}} ORDER BY 1", batch=batch)
        )
        return rows, engine.rows(sql(f"SELECT {rejected} FROM {{rejects}} ORDER BY ALL", rejects=rejects))


def read(data, layout, root, columns=("1", "2"), way="chosen"):
    """Rows, rejects and counts of a file landed one way; None where the fast way does not take it."""
    config = config_of(layout, root, columns)
    content = root / way
    content.mkdir()
    (root / "received").write_bytes(data)
    if way == "chosen":
        written = write_batch(config, root / "received", content, root, EPOCH)
    else:
        job = Job(config, read_header(root / "received", config.goal.format), root / "received", content, root, EPOCH)
        with scratch() as engine:
            written = write_fast(engine, job) if way == "fast" else write_carefully(engine, job)
    if written is None:
        return None
    return *landed(content, written.counts), {**written.counts, "header_lines": None}


def check_both_ways(data, layout, columns=("1", "2")):
    with tempfile.TemporaryDirectory() as name:
        ways = []
        for way in ("chosen", "careful"):
            (Path(name) / f"of_{way}").mkdir()
            try:
                ways.append(read(data, layout, Path(name) / f"of_{way}", columns, way))
            except FileError as error:
                ways.append(str(error))
        assert ways[0] == ways[1]


def rows_read(data, layout, tmp_path, columns=("1", "2")):
    check_both_ways(data, layout, columns)
    return read(data, layout, tmp_path, columns)[0]


def test_columns_of_a_file_without_a_header_are_called_by_their_position(tmp_path):
    assert rows_read(b"a,x\nb,y\n", HEADERLESS, tmp_path) == [(1, "a", "a", "x"), (2, "b", "b", "y")]


def test_columns_of_a_file_without_a_header_may_have_names(tmp_path):
    layout = HEADERLESS | {"columns": ["id", "town"]}
    assert rows_read(b"a,x\n", layout, tmp_path, ("town", "id")) == [(1, "x", "x", "a")]


def test_the_first_readable_row_tells_how_many_columns_there_are(tmp_path):
    check_both_ways(b'"a"b,x\nc,d\ne\nf,g,h\n', HEADERLESS)
    rows, rejects, counts = read(b'"a"b,x\nc,d\ne\nf,g,h\n', HEADERLESS, tmp_path)
    assert rows == [(2, "c", "c", "d"), (3, "e", "e", None)]
    assert counts["padded_rows"] == 1
    assert rejects == [
        (1, None, '"a"b,x', "text after a closing quote"),
        (4, None, "f,g,h", "the row has 3 cells, the first row that can be read has 2"),
    ]


def test_a_file_without_a_header_and_without_rows_is_empty_if_its_columns_are_named(tmp_path):
    assert rows_read(b"", HEADERLESS | {"columns": ["1", "2"]}, tmp_path) == []


def test_an_empty_file_whose_columns_nobody_names_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"the file is empty; without a header, only format\.columns could tell"):
        read(b"", HEADERLESS, tmp_path)


def test_a_file_of_a_preamble_alone_has_no_rows(tmp_path):
    layout = HEADERLESS | {"columns": ["1", "2"], "skip_lines": 3}
    assert rows_read(b"Report\nof today\n", layout, tmp_path) == []


def test_a_preamble_may_look_like_anything(tmp_path):
    preamble = b'Customers "of, today\n\n\xff,",,\n'
    rows = rows_read(preamble + b"k,v\na,x\n", {"skip_lines": 3}, tmp_path, ("k", "v"))
    assert rows == [(5, "a", "a", "x")]


def test_comments_are_no_rows_wherever_they_stand(tmp_path):
    data = b'# "head\nk,v\n# one, two, three\na,x\nb,"y\n# z"\n#\n'
    check_both_ways(data, {"comment": "#"}, ("k", "v"))
    rows, rejects, counts = read(data, {"comment": "#"}, tmp_path, ("k", "v"))
    assert rows == [(4, "a", "a", "x"), (5, "b", "b", "y\n# z")]
    assert (rejects, counts["rows_received"]) == ([], 2)


def test_a_null_text_is_an_empty_cell_unless_it_is_quoted(tmp_path):
    data = b'k,v\na,NULL\nb,"NULL"\nc,null\nd,\\N\n\\N,x\n'
    found = rows_read(data, {"null_text": ["NULL", "\\N"]}, tmp_path, ("k", "v"))
    assert [row[1:] for row in found] == [
        ("a", "a", None), ("b", "b", "NULL"), ("c", "c", "null"), ("d", "d", None), (None, None, "x"),
    ]  # fmt: skip


def test_a_null_text_with_blanks_around_it_is_empty_in_both_ways(tmp_path):
    data = b"k,v\na, -\nb,- \nc,  -  \nd,a - b\n"
    assert [row[3] for row in rows_read(data, {"null_text": "-"}, tmp_path, ("k", "v"))] == [None, None, None, "a - b"]


def test_a_column_may_be_called_like_a_null_text(tmp_path):
    assert rows_read(b"k,NULL\na,x\n", {"null_text": "NULL"}, tmp_path, ("k", "NULL")) == [(2, "a", "a", "x")]


def test_lines_of_rejects_are_those_of_the_file_as_received(tmp_path):
    layout = {"skip_lines": 2, "comment": "#", "null_text": "NULL"}
    data = b"Report\n\n# comment\nk,v\na,x\n# comment\nb,y,z\n"
    assert read(data, layout, tmp_path, ("k", "v"))[1] == [(7, None, "b,y,z", "the row has 3 cells, the header has 2")]


def test_a_header_nobody_announced_is_a_row_like_others(tmp_path):
    with pytest.raises(FileError, match='Column "3" not found; the file has: 1, 2'):
        read(b"k,v\n", HEADERLESS, tmp_path, ("3", "1"))


FAST = [
    ({"skip_lines": 2}, b"Report\n\nk,v\na,x\n"),
    ({"skip_lines": 1, "comment": "#"}, b"Report\n# by tills\nk,v\na,x\n"),
    ({"null_text": ["NULL", "\\N"]}, b'k,v\nNULL,"NULL"\na,no NULL here\n'),
    (HEADERLESS | {"columns": ["k", "v"], "skip_lines": 1}, b"\xef\xbb\xbfReport\na,x\n"),
    (HEADERLESS | {"columns": ["k", "v"]}, b'\xef\xbb\xbf"a",x\n'),
]


@pytest.mark.parametrize(("layout", "data"), FAST)
def test_the_fast_way_is_taken_where_it_reads_the_same(tmp_path, layout, data):
    (tmp_path / "other").mkdir()
    fast = read(data, layout, tmp_path, ("k", "v"), "fast")
    assert fast is not None
    assert fast == read(data, layout, tmp_path / "other", ("k", "v"), "careful")


@pytest.mark.parametrize("before", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("odd", [b"\n#c", b", NULL,", b",NULL  \n"])
def test_what_the_engine_would_misread_is_seen_across_two_chunks(tmp_path, odd, before):
    layout = config_of({"comment": "#", "null_text": "NULL", "max_row_bytes": 65536}, tmp_path).goal.format
    filler = b"abcdefg,abcdefg\n" * (CHUNK_BYTES // 16)
    (tmp_path / "f").write_bytes(filler[: CHUNK_BYTES - before] + odd + b"x\n")
    assert not count_lines(tmp_path / "f", layout, 2).plain


LAYOUTS = (
    {"comment": "#"},
    {"null_text": "NULL"},
    {"null_text": ["-", "\\N"], "escape": "\\"},
    {"null_text": "NULL", "separator": "\\t"},
    {"null_text": "-", "quote": "", "comment": ";"},
    HEADERLESS,
    HEADERLESS | {"columns": ["1", "2"]},
    HEADERLESS | {"columns": ["2", "x", "1"], "comment": "#", "null_text": "-"},
    HEADERLESS | {"skip_lines": 1, "comment": "#"},
    HEADERLESS | {"columns": ["1", "2"], "skip_lines": 2, "null_text": ["NULL", "-"]},
)
pieces = st.sampled_from(
    [b"a", b"b", b",", b",", b"\n", b"\n", b"\n#", b"#", b"NULL", b"-", b"\\N", b" ", b"\t", b'"', b'"', b"\r", b";",
     b"\xff", b'"NULL"', b",NULL\n", b", -\n"]
)  # fmt: skip
bodies = st.lists(pieces, max_size=14).map(b"".join)
tidy = st.lists(
    st.lists(st.sampled_from([b"a", b"NULL", b"-", b'"-"', b"", b"#x"]), min_size=1, max_size=3), max_size=5
)
tables = tidy.map(lambda table: b"".join(b",".join(row) + b"\n" for row in table))


def with_header(body, layout):
    separator = b"\t" if layout.get("separator") else b","
    return body if layout.get("header") is False else b"1" + separator + b"2\n" + body


@LANDS
@example(b'" ,a\nb\n"\nc,d\n', HEADERLESS | {"columns": ["1", "2"], "skip_lines": 1})
@example(b"#\n#\na,-", LAYOUTS[7])
@example(b"\n\n\na,b\n", HEADERLESS | {"skip_lines": 1})
@example(b"a,b\n,,\n", {"skip_lines": 1})
@example(b"a,NULL\nb,x,NULL\n", {"null_text": "NULL"})
@example(b"a,x,NULL", {"null_text": "NULL"})
@example(b"a,\x01NULL\n", {})
@given(st.one_of(bodies, tables), st.sampled_from(LAYOUTS))
def test_both_ways_agree_on_any_layout(body, layout):
    check_both_ways(with_header(body, layout), layout)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@LONG
@given(st.one_of(bodies, tables), st.sampled_from(LAYOUTS))
def test_both_ways_agree_on_very_many_files(body, layout):
    check_both_ways(with_header(body, layout), layout)


@settings(deadline=None, derandomize=True)
@given(bodies, st.sampled_from(LAYOUTS))
def test_rows_come_in_order_and_none_begins_with_a_comment(body, layout):
    with tempfile.TemporaryDirectory() as name:
        config = config_of(layout, Path(name))
        path = Path(name) / "f"
        path.write_bytes(with_header(body, layout))
        try:
            found = list(rows_of(path, config.goal.format, read_header(path, config.goal.format)))
        except FileError:
            return
        lines = [record.line for record in found]
        assert lines == sorted(set(lines))
        sign = config.goal.format.comment.encode()
        assert not sign or not any(record.raw.startswith(sign) for record in found)


def test_another_quote_is_doubled_unless_an_escape_is_named(tmp_path):
    names = ["plain", "escaped", "other"]
    texts = ["'it''s, so'", "'it\\'s, so'", "'it\"'s, so'"]
    layouts = [{"quote": "'"}, {"quote": "'", "escape": "\\"}, {"quote": "'", "escape": '"'}]
    for name, text, layout in zip(names, texts, layouts, strict=True):
        (tmp_path / name).mkdir()
        rows, _, _ = read(f"k,city\n1,{text}\n".encode(), layout, tmp_path / name, ("k", "city"))
        assert [row[-1] for row in rows] == ["it's, so"], name
