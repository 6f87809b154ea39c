"""Rejected rows are kept as they were sent, and can be mended and sent again."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.config.files import Format
from cdp_assets.errors import FileError
from cdp_assets.files.delimited import Record, records
from cdp_assets.files.encoding import from_utf8, to_utf8
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.flows.give_rejected import write_rejected
from cdp_assets.flows.import_files import reject_sample
from cdp_assets.flows.keep_rejected import REJECTED_ROWS
from cdp_assets.flows.land_files import Landed
from cdp_assets_tests.support.connected import PROPERTIES, import_goal
from cdp_assets_tests.support.lab import Lab, deployment
from cdp_assets_tests.support.openpgp import new_keyring

CITY = [{"column": "city", "property": "city"}, {"column": "points", "property": "points"}]
HEADER = "email,city,points\n"


def lab(root: Path, mappings=None, **goal) -> Lab:
    return Lab(root, deployment(PROPERTIES, [import_goal(mappings=mappings or CITY, files={"delta": True}, **goal)]))


def kept(landed: Landed) -> bytes:
    return (landed.folder / REJECTED_ROWS).read_bytes()


def given_back(room: Lab, landed: Landed, *, cells: bool = False, keys: PgpKeys | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as staging:
        target = Path(staging) / "rows"
        write_rejected(landed.manifest, landed.folder, target, Path(staging), cells=cells, keys=keys)
        return target.read_bytes()


CASES = {
    "clean file": (
        {},
        b'email,city\na@x.com,Ede\nnope,"Ede, NL"\n',
        b'email,city,reject_line,reject_reason\nnope,"Ede, NL",3,email: not a valid e-mail address\n',
    ),
    "too few cells are filled up": (
        {},
        b"email,city,a,b\nnope\n",
        b"email,city,a,b,reject_line,reject_reason\nnope,,,,2,email: not a valid e-mail address\n",
    ),
    "rows that cannot be read come last, as they are": (
        {},
        b'email,city\nc@x.com,Ede,NL\nd@x.com,\xff\nnope,Ede\n"b@x.com,Ede\n',
        (
            b"email,city,reject_line,reject_reason\nnope,Ede,4,email: not a valid e-mail address\n"
            b'c@x.com,Ede,NL,2,"the row has 3 cells, the header has 2"\n'
            b"d@x.com,\xff,3,not UTF-8; it looks like windows-1252\n"
            b'"b@x.com,Ede,5,a quote is never closed\n'
        ),
    ),
    "line ends and mark of the file": (
        {},
        b"\xef\xbb\xbfemail,city\r\nnope,Ede\r\nnope2,Ede",
        (
            b"\xef\xbb\xbfemail,city,reject_line,reject_reason\r\nnope,Ede,2,email: not a valid e-mail address\r\n"
            b"nope2,Ede,3,email: not a valid e-mail address\r\n"
        ),
    ),
    "a row over several lines": (
        {},
        b'email,city\nnope,"Ede\nNL"\na@x.com,Ede\n',
        b'email,city,reject_line,reject_reason\nnope,"Ede\nNL",2,email: not a valid e-mail address\n',
    ),
    "lines above the header": (
        {"skip_lines": 2, "comment": "#", "separator": ";"},
        b"Title;;\n\n# today\nemail;city\nnope;Ede\n",
        b"Title;;\n\n# today\nemail;city;reject_line;reject_reason\nnope;Ede;5;email: not a valid e-mail address\n",
    ),
    "no header": (
        {"header": False},
        b"nope,Ede\n",
        b"nope,Ede,1,1: not a valid e-mail address\n",
    ),
    "a dialect with other signs": (
        {"separator": " ", "quote": "'", "escape": "\\"},
        b"email city\nnope 'it\\'s'\n",
        b"email city reject_line reject_reason\nnope 'it\\'s' 2 'email: not a valid e-mail address'\n",
    ),
    "nothing can be quoted": (
        {"quote": "", "separator": " "},
        b'email city\na@x.com "Ede NL"\n',
        b'email city reject_line reject_reason\na@x.com "Ede NL" 2 the row has 3 cells, the header has 2\n',
    ),
    "UTF-16": (
        {"encoding": "utf-16"},
        "email,city\nnope é,Ede\n".encode("utf-16"),
        "email,city,reject_line,reject_reason\nnope é,Ede,2,email: not a valid e-mail address\n".encode("utf-16"),
    ),
    "a byte that the encoding does not have": (
        {"encoding": "windows-1252"},
        b"email,city\nnope \xe9,Ede\na@x.com,\x81\xe9\n",
        (
            b"email,city,reject_line,reject_reason\nnope \xe9,Ede,2,email: not a valid e-mail address\n"
            b"a@x.com,\x81\xe9,3,not windows-1252\n"
        ),
    ),
    "sent back once before": (
        {},
        b"email,city,reject_line,reject_reason\nstill wrong,Ede,7,because\n",
        (
            b"email,city,reject_line,reject_reason,reject_line_2,reject_reason_2\n"
            b"still wrong,Ede,7,because,2,email: not a valid e-mail address\n"
        ),
    ),
}


@pytest.mark.parametrize(("layout", "content", "expected"), CASES.values(), ids=CASES)
def test_rejected_rows_are_kept_byte_for_byte_with_line_and_reason_behind(tmp_path, layout, content, expected):
    columns = {"email": "email", "city": "city"} if layout.get("header", True) else {"email": "1", "city": "2"}
    goal = {"identifiers": [{"column": columns["email"], "property": "email"}], "format": layout}
    room = lab(tmp_path, [{"column": columns["city"], "property": "city"}], **goal)
    landed = room.land("customers", "customers_1.csv", content)
    assert given_back(room, landed) == expected


OLD = "not UTF-8; it looks like windows-1252: set `format: {encoding: windows-1252}`, if all files of the goal are so"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a@x.com,K\xf6ln\nb@x.com,Ede\nbo@x.com,\xc5rhus\n", OLD),
        ("a@x.com,Köln\n".encode() + b"bo@x.com,\xc5rhus\n", "not UTF-8"),
        (b"a@x.com,\x81\nbo@x.com,\xc5rhus\n", "not UTF-8"),
    ],
    ids=["all older", "mixed", "neither"],
)
def test_rows_in_another_encoding_have_one_reason_that_tells_it_where_it_is_sure(tmp_path, text, reason):
    landed = lab(tmp_path).land("customers", "customers_1.csv", b"email,city\n" + text)
    assert {item.reason for item in reject_sample(landed)} == {reason}


def test_a_header_in_another_encoding_says_so(tmp_path):
    with pytest.raises(FileError, match=re.escape(f"the header cannot be read: {OLD}")):
        lab(tmp_path).land("customers", "customers_1.csv", b"email,stra\xdfe\na@x.com,Ede\n")


@pytest.mark.parametrize(
    ("layout", "since", "reasons"),
    [
        ({}, ["18.11.2026", "2026"], {"not a date in the expected format (DD.MM.YYYY, also with a time)"}),
        ({}, ["2026-11-18T08:04", "2026"], {"not a date in the expected format (YYYY-MM-DD, also with a time)"}),
        ({"date_format": "DD-MM-YY"}, ["18-11-26", "2026"], {"not a date in the expected format (DD-MM-YY)"}),
    ],
    ids=["found out", "ISO", "given"],
)
def test_the_reason_of_a_cell_names_the_format_that_was_expected(tmp_path, layout, since, reasons):
    properties = [
        *PROPERTIES,
        {"name": "since", "type": "datetime"},
        {"name": "spent", "type": "currency", "currency": "EUR"},
    ]
    mappings = [{"column": name, "property": name} for name in ("since", "spent")]
    goal = import_goal(mappings=mappings, format={"separator": ";", "decimal": ","} | layout)
    rows = "".join(f"a{place}@x.com;{text};zwölf\n" for place, text in enumerate(since))
    landed = Lab(tmp_path, deployment(properties, [goal])).land(
        "customers", "customers_1.csv", f"email;since;spent\n{rows}"
    )
    assert {item.reason for item in reject_sample(landed)} == {
        *(f"since: {reason}" for reason in reasons),
        "spent: not an amount, or too large (as in 1.234,56, no blanks, no €)",
    }


def test_reasons_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    room = lab(tmp_path)
    wide = [f"a{place}@x.com{'' if place % 2 else ',x' * (place + 3)}" for place in range(30)]
    room.land("customers", "customers_1.csv", "email,city\n" + "\n".join(wide) + "\n")
    room.fold()
    console = Console(record=True, width=100, file=io.StringIO())
    print_summary(console, room.folders, datetime(2000, 1, 1, tzinfo=UTC), ())
    assert "… and 3 more reasons" in console.export_text()


def test_a_file_without_rejected_rows_keeps_none(tmp_path):
    landed = lab(tmp_path).land("customers", "customers_1.csv", HEADER + "a@x.com,Ede,many\n,Ede,1\n")
    assert not (landed.folder / REJECTED_ROWS).exists()


def test_rows_with_refused_cells_are_added_with_every_reason_if_asked_for(tmp_path):
    room = lab(tmp_path)
    landed = room.land("customers", "customers_1.csv", HEADER + "a@x.com,Ede,many\nnope,Ede,few\n,Ede,1\nb@x.com\n")
    assert given_back(room, landed, cells=True).decode() == (
        "email,city,points,reject_line,reject_reason\n"
        'a@x.com,Ede,many,2,"points: not a whole number, or too large"\n'
        'nope,Ede,few,3,"email: not a valid e-mail address; points: not a whole number, or too large"\n'
    )


def test_a_batch_of_an_earlier_release_is_read_from_the_file_as_received(tmp_path):
    room = lab(tmp_path)
    landed = room.land("customers", "customers_1.csv", HEADER + "nope,Ede,1\n")
    expected = given_back(room, landed)
    (landed.folder / REJECTED_ROWS).unlink()
    assert given_back(room, landed) == expected != b""


def test_cells_need_the_file_as_received(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [import_goal(mappings=CITY, files={"keep_received": False})]))
    landed = room.land("customers", "customers_1.csv", HEADER + "nope,Ede,many\n")
    assert b"nope,Ede,many,2," in given_back(room, landed)
    with pytest.raises(FileError, match=r"customers_1\.csv: rows with .*: the file as received was not kept"):
        given_back(room, landed, cells=True)


def test_rows_a_processor_changed_are_given_back_as_they_came(tmp_path):
    room = lab(tmp_path, processors=[{"email_cleansing": {"field": "email"}}])
    landed = room.land("customers", "customers_1.csv", HEADER + "NOPE,Ede,1\n")
    assert kept(landed).startswith(b"email,city,points,reject_line,reject_reason\nNOPE,Ede,1,2,")


def test_thousands_of_bad_cells_in_one_row_make_a_short_reason(tmp_path):
    names = [f"{'c' * 90}{number}" for number in range(300)]
    mappings = [{"column": name, "property": "points"} for name in names]
    room = lab(tmp_path, mappings)
    landed = room.land("customers", "customers_1.csv", f"email,{','.join(names)}\na@x.com{',x' * 300}\n")
    (_, row) = csv.reader(given_back(room, landed, cells=True).decode().splitlines())
    assert len(row[-1]) == 2_000


def test_what_was_mended_lands_without_rejects(tmp_path):
    room = lab(tmp_path)
    bad = HEADER + 'nope,Ede,1\na@x.com,Ede,NL,2\n"b@x.com,Ede,3\n'
    sent = given_back(room, room.land("customers", "customers_1.csv", bad)).decode()
    mended = sent.replace("nope", "n@x.com").replace("Ede,NL,2", "Ede,2").replace('"b@', "b@")
    landed = room.land("customers", "customers_2.csv", mended).manifest
    assert (landed.rows_received, landed.rows_rejected, landed.padded_rows) == (3, 0, 0)


def test_what_was_not_mended_is_rejected_again_and_harms_no_neighbour(tmp_path):
    room = lab(tmp_path)
    bad = HEADER + 'nope,Ede,1\na@x.com,Ede,NL,2\n"b@x.com,Ede,3\nc@x.com,"Ede"x,4\nd@x.com,Ede\0,5\n'
    sent = given_back(room, room.land("customers", "customers_1.csv", bad))
    again = room.land("customers", "customers_2.csv", sent).manifest
    assert (again.rows_received, again.rows_rejected) == (5, 5)


cells = st.text("ab@x.c;,'\"\\ \t\r\né", max_size=6)
bodies = st.lists(st.lists(cells, min_size=1, max_size=4).map(",".join), max_size=8).map("\n".join)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@example(body='nope,"a\r\nb"\nnope')
@example(body='"\n"\nnope')
@given(body=bodies)
def test_every_rejected_row_of_any_file_is_given_back_once_and_nothing_else(body):
    """The file that is expected is put together from what a reader of the whole file sees."""
    with tempfile.TemporaryDirectory() as name:
        room = lab(Path(name), [{"column": "city", "property": "city"}])
        content = f"email,city\n{body}".encode()
        landed = room.land("customers", "customers_1.csv", content)
        (Path(name) / "text").write_bytes(content)
        source = {row.line: row for row in records(Path(name) / "text", Format(), 2)}
        room.fold()
        rejects = room.rows(
            "SELECT line_no, reason FROM ops.rejects WHERE level = 'row' ORDER BY row_no IS NULL, line_no"
        )
        expected = b"email,city,reject_line,reject_reason\n" + b"".join(
            with_reason(source[line], reason) for line, reason in rejects
        )
        assert not rejects or given_back(room, landed) == expected


def with_reason(row: Record, reason: str) -> bytes:
    body = row.raw.rstrip(b"\r\n")
    missing = b"," * max(2 - len(row.cells), 0) if row.cells is not None else b""
    told = io.StringIO()
    csv.writer(told, lineterminator="").writerow([row.line, reason])
    return body + missing + b"," + told.getvalue().encode() + (row.raw[len(body) :] or b"\n")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["utf-8", "windows-1252", "latin-1", "ascii", "cp1253", "utf-16"]))
def test_a_text_goes_back_into_its_own_encoding_byte_for_byte(content, encoding):
    if encoding == "utf-16":
        content = content.decode("latin-1").encode("utf-16")
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "source", Path(name) / "target"
        source.write_bytes(content)
        with suppress(FileError):
            from_utf8(to_utf8(source, Path(name) / "text", encoding), target, encoding)
            assert target.read_bytes() == content


def test_cells_of_an_encrypted_file_are_read_with_its_key(tmp_path):
    content = HEADER + "a@x.com,Ede,many\nnope,Ede,1\n"
    with new_keyring() as ring:
        ours = ring.key("ours")
        sealed, keys = ring.encrypted(content.encode(), ours), PgpKeys(ours.private)
        room = lab(tmp_path / "sealed")
        landed = room.land("customers", "customers_1.csv.pgp.csv", sealed, keys=keys)
        assert b"a@x.com" not in kept(landed)
        found = given_back(room, landed, cells=True, keys=keys)
    plain = lab(tmp_path / "plain")
    assert found == given_back(plain, plain.land("customers", "customers_1.csv", content), cells=True)
