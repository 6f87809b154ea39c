"""Texts that can be read in their encoding, and are perhaps in another."""

from __future__ import annotations

import pytest

from cdp_assets.errors import FileError
from cdp_assets.files.encoding import doubt_about, to_utf8
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


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "latin-1"])
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("utf-16", "the file begins with the mark of UTF-16; set format.encoding: utf-16"),
        (
            "utf-16-le",
            "the file looks like UTF-16 without its mark: every other byte is NUL; set format.encoding: utf-16-le",
        ),
        (
            "utf-16-be",
            "the file looks like UTF-16 without its mark: every other byte is NUL; set format.encoding: utf-16-be",
        ),
    ],
)
def test_a_text_in_utf_16_is_refused_in_another_encoding_with_what_to_set(tmp_path, encoding, written, told):
    source = tmp_path / "text"
    source.write_bytes(UMLAUTS.encode(written))
    with pytest.raises(FileError) as refused:
        to_utf8(source, tmp_path / "rewritten", encoding)
    assert str(refused.value) == told
    assert to_utf8(source, tmp_path / "rewritten", written).read_text(encoding="utf-8") == UMLAUTS


@pytest.mark.parametrize("content", [b"", b"a", b"\x00", b"a\x00", b"name\nAn\x00na\n", b"\x00" * 100])
def test_nul_bytes_here_and_there_are_left_to_their_rows(tmp_path, content):
    source = tmp_path / "text"
    source.write_bytes(content)
    assert to_utf8(source, tmp_path / "rewritten", "utf-8") == source
