"""Texts that can be read in their encoding, and are perhaps in another."""

from __future__ import annotations

import pytest

from cdp_assets.files.encoding import doubt_about
from cdp_assets.files.limits import CHUNK_BYTES

UMLAUTS = "name\nJürgen Groß\n"


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "iso-8859-15", "cp1250"])
def test_a_text_in_utf_8_is_doubted_in_another_encoding(tmp_path, encoding):
    source = tmp_path / "text"
    source.write_text(UMLAUTS, encoding="utf-8")
    read = "ü".encode().decode(encoding)
    assert doubt_about(source, encoding) == (
        "looks like UTF-8: 2 characters outside ASCII, each written as UTF-8 writes it; but format.encoding is"
        f" {encoding}, which reads ü as {read}; set format.encoding: utf-8, or leave it out"
    )


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (UMLAUTS.encode("cp1252"), "windows-1252"),
        ((UMLAUTS + "é").encode() + b"\xe9\n", "windows-1252"),
        (b"name\nAnna\n", "windows-1252"),
        (b"", "latin-1"),
        (UMLAUTS.encode(), "utf-8"),
        (UMLAUTS.encode(), "UTF8"),
        (UMLAUTS.encode("utf-16"), "utf-16"),
    ],
)
def test_a_text_that_is_as_its_encoding_says_is_not_doubted(tmp_path, content, encoding):
    source = tmp_path / "text"
    source.write_bytes(content)
    assert doubt_about(source, encoding) == ""


def test_a_sign_may_stand_across_the_pieces_a_file_is_read_in(tmp_path):
    source = tmp_path / "text"
    source.write_bytes(b"a" * (CHUNK_BYTES - 1) + "ü€".encode() + b"a" * CHUNK_BYTES)
    assert doubt_about(source, "latin-1").startswith("looks like UTF-8: 2 characters outside ASCII")
