"""The same rows land as the same batch, whatever they are wrapped in and however they are written."""

from __future__ import annotations

import gzip
import io
import zipfile

import duckdb
import pytest

from cdp_assets.errors import FileError
from cdp_assets_tests.flows.test_fold import goal, lab

TEXT = 'email,city,points,tags\nann@x.com,"Köln, Süd",1,a|b\nbob@x.com,Århus,2,\n'


def zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/customers.csv", data)
    return held.getvalue()


FORMS = {
    "LF": (TEXT.encode(), "utf-8"),
    "CRLF": (TEXT.replace("\n", "\r\n").encode(), "utf-8"),
    "CR": (TEXT.replace("\n", "\r").encode(), "utf-8"),
    "mixed": (TEXT.replace("\n", "\r\n", 1).encode(), "utf-8"),
    "no end": (TEXT.rstrip("\n").encode(), "utf-8"),
    "mark": (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
    "UTF-16": (TEXT.encode("utf-16"), "utf-16"),
    "UTF-16BE": (TEXT.encode("utf-16-be"), "utf-16-be"),
    "Latin-1": (TEXT.encode("latin-1"), "latin-1"),
    "windows-1252": (TEXT.encode("windows-1252"), "windows-1252"),
    "gzip": (gzip.compress(TEXT.encode()), "utf-8"),
    "gzip members": (gzip.compress(TEXT[:30].encode()) + gzip.compress(TEXT[30:].encode()), "utf-8"),
    "zip": (zipped(TEXT.encode()), "utf-8"),
}


def rows_of(folder):
    columns = "identifier, identifier_invalid, m0, m0_invalid, m1, m1_invalid, m2, m2_invalid"
    return duckdb.sql(f"SELECT {columns} FROM '{folder}/batch.parquet'").fetchall()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_rows_lands_as_the_same_batch(tmp_path, form):
    content, encoding = FORMS[form]
    room = lab(tmp_path, goal(format={"encoding": encoding}))
    landed = room.land("customers", "customers_1.csv", content)
    expected = [
        ("ann@x.com", None, "Köln, Süd", None, 1, None, ["a", "b"], None),
        ("bob@x.com", None, "Århus", None, 2, None, None, None),
    ]
    assert rows_of(landed.folder) == expected
    assert landed.manifest.rows_rejected == 0


def test_a_byte_the_encoding_does_not_have_refuses_its_row_only(tmp_path):
    room = lab(tmp_path, goal(format={"encoding": "windows-1252"}))
    landed = room.land("customers", "customers_1.csv", b"email,city\na@x.com,\x81\nb@x.com,K\xf6ln\n")
    assert (landed.manifest.rows_rejected, [row[2] for row in rows_of_cities(landed)]) == (1, ["Köln"])


def rows_of_cities(landed):
    return duckdb.sql(f"SELECT identifier, identifier_invalid, m0 FROM '{landed.folder}/batch.parquet'").fetchall()


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (TEXT.encode("utf-16"), "utf-8", "set format.encoding: utf-16"),
        (TEXT.encode("utf-16")[:-1], "utf-16", "the file is not utf-16"),
        (gzip.compress(TEXT.encode())[:-4], "utf-8", "customers_1.csv"),
    ],
    ids=["wide", "odd", "cut"],
)
def test_a_broken_form_is_refused_with_its_reason(tmp_path, content, encoding, message):
    room = lab(tmp_path, goal(format={"encoding": encoding}))
    with pytest.raises(FileError, match=message):
        room.land("customers", "customers_1.csv", content)
