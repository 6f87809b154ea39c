from __future__ import annotations

import gzip
import io
import random
import subprocess
import zipfile
import zlib

import pytest

from cdp_assets.errors import FileError, LocalDiskError
from cdp_assets.files.compression import decompress, kind_of
from cdp_assets.files.limits import CHUNK_BYTES, Limits

PLAIN = "".join(f"{row};Ann Söderberg;{row * 7919}\n" for row in range(30_000)).encode()
NOISE = random.Random(1).randbytes(3 * CHUNK_BYTES + 17)
LIMITS = Limits()


@pytest.fixture
def unpacked(tmp_path):
    """Unpacks bytes; checks that after an error nothing at all is left."""

    def unpack(content, limits=LIMITS):
        source, folder = tmp_path / "received.csv", tmp_path / "private"
        source.write_bytes(content)
        folder.mkdir(exist_ok=True)
        try:
            kind = decompress(source, folder / "plain", limits, name="customers.csv.gz")
        except Exception:
            assert list(folder.iterdir()) == []
            raise
        assert source.read_bytes() == content
        assert (folder / "plain").stat().st_mode & 0o777 == 0o600
        return kind, (folder / "plain").read_bytes()

    return unpack


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("plain", [b"", b"x", PLAIN, NOISE], ids=len)
@pytest.mark.parametrize("level", [0, 1, 9])
def test_gzip_is_unpacked(unpacked, plain, level):
    assert unpacked(gzip.compress(plain, level)) == ("gzip", plain)


def test_several_gzip_members_are_one_file(unpacked):
    parts = [PLAIN, b"", NOISE, b"end"]
    assert unpacked(b"".join(gzip.compress(part) for part in parts)) == ("gzip", b"".join(parts))


@pytest.mark.parametrize("size", range(CHUNK_BYTES - 3, CHUNK_BYTES + 3))
def test_a_member_that_begins_where_a_chunk_ends_is_found(unpacked, size):
    first = gzip.compress(b"", 0)
    # Stored, with a comment that brings it to the size wanted.
    padded = first[:3] + b"\x10" + first[4:10] + b"c" * (size - len(first) - 1) + b"\0" + first[10:]
    assert len(padded) == size
    assert unpacked(padded + gzip.compress(PLAIN)) == ("gzip", PLAIN)


def test_zeros_behind_gzip_are_padding(unpacked):
    assert unpacked(gzip.compress(PLAIN) + b"\0" * (2 * CHUNK_BYTES)) == ("gzip", PLAIN)


@pytest.mark.parametrize(
    "junk", [b"x", b"\x1f", b"junk" * 10, b"\0" * 100 + b"x", b"\0" + gzip.compress(b"x")], ids=len
)
def test_other_bytes_behind_gzip_are_refused(unpacked, junk):
    with pytest.raises(FileError, match="other bytes behind its gzip data"):
        unpacked(gzip.compress(PLAIN) + junk)


@pytest.mark.parametrize("left", [4, 9, 10, 11, 5_000, -9, -8, -5, -1])
def test_gzip_that_is_cut_off_is_refused(unpacked, left):
    with pytest.raises(FileError, match="is cut off: its gzip data has no end"):
        unpacked(gzip.compress(PLAIN)[:left])


@pytest.mark.parametrize("place", [-1, -4, -5, -8, 2_000, 40_000])
def test_gzip_with_a_changed_bit_is_refused(unpacked, place):
    changed = bytearray(gzip.compress(PLAIN))
    changed[place] ^= 1
    with pytest.raises(FileError, match=r"is damaged: its gzip data fails|is cut off|other bytes"):
        unpacked(bytes(changed))


def test_what_the_gzip_program_makes_is_unpacked(unpacked, tmp_path):
    (tmp_path / "with a name.csv").write_bytes(PLAIN)
    made = subprocess.run(["gzip", "-c", tmp_path / "with a name.csv"], capture_output=True, check=True).stdout
    assert unpacked(made) == ("gzip", PLAIN)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["a.csv", "../../../etc/passwd", "/etc/passwd", "in/a.csv", "Zürich.csv"])
def test_the_one_file_in_a_zip_is_unpacked_whatever_its_path(unpacked, method, name):
    assert unpacked(zipped((name, PLAIN), method=method)) == ("zip", PLAIN)


def test_an_empty_file_in_a_zip_is_an_empty_file(unpacked):
    assert unpacked(zipped(("a.csv", b""))) == ("zip", b"")


def test_folders_in_a_zip_do_not_count(unpacked):
    assert unpacked(zipped(("in/", b""), ("in/a.csv", PLAIN))) == ("zip", PLAIN)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ((), "a zip file with 0 files in it; exactly one is accepted"),
        ((("a.csv", b"a"), ("b.csv", b"b")), "a zip file with 2 files in it; exactly one is accepted"),
        ((("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), "an Office document; deliver the sheet as"),
    ],
)
def test_a_zip_without_exactly_one_file_is_refused(unpacked, members, problem):
    with pytest.raises(FileError, match=problem):
        unpacked(zipped(*members))


def test_an_encrypted_zip_is_refused(unpacked):
    content = bytearray(zipped(("a.csv", PLAIN)))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FileError, match="an encrypted zip file, which is not accepted; use PGP"):
        unpacked(bytes(content))


def test_a_zip_packed_in_an_unusual_way_is_refused(unpacked):
    with pytest.raises(FileError, match="packed with method 14; accepted is deflate"):
        unpacked(zipped(("a.csv", PLAIN), method=zipfile.ZIP_LZMA))


@pytest.mark.parametrize("left", [30, 5_000, -100, -1])
def test_a_zip_that_is_cut_off_is_refused(unpacked, left):
    with pytest.raises(FileError, match="damaged or cut off zip file"):
        unpacked(zipped(("a.csv", PLAIN))[:left])


@pytest.mark.parametrize("place", [2_000, 60_000])
def test_a_zip_with_a_changed_bit_is_refused(unpacked, place):
    changed = bytearray(zipped(("a.csv", PLAIN)))
    changed[place] ^= 1
    with pytest.raises(FileError, match="damaged or cut off zip file"):
        unpacked(bytes(changed))


@pytest.mark.parametrize("content", [b"", b"\x1f", b"id;name\n1;Ann\n", b"PK;name\n", b"\xef\xbb\xbfid\n"])
def test_a_plain_file_is_left_alone(tmp_path, content):
    (tmp_path / "a.csv.gz").write_bytes(content)
    assert decompress(tmp_path / "a.csv.gz", tmp_path / "plain", LIMITS) == "plain"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv.gz"]


def test_a_file_that_is_not_there_is_a_matter_of_this_machine(tmp_path):
    with pytest.raises(LocalDiskError, match="No such file or directory"):
        kind_of(tmp_path / "absent")
    (tmp_path / "a.gz").write_bytes(gzip.compress(PLAIN))
    with pytest.raises(LocalDiskError, match=r"could not write .*No such file or directory"):
        decompress(tmp_path / "a.gz", tmp_path / "absent" / "plain", LIMITS)


BOMBS = {
    "gzip": gzip.compress(b"\0" * 30_000_000),
    "members": gzip.compress(b"\0" * 1_000_000) * 30,
    "zip": zipped(("a.csv", b"\0" * 30_000_000)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_stopped_by_its_ratio(unpacked, bomb):
    with pytest.raises(FileError, match=r"unpacks to more than 10,000,000 bytes \(it has \d\d,\d{3} itself\)"):
        unpacked(BOMBS[bomb], Limits(max_ratio=100))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_stopped_by_its_size(unpacked, bomb):
    with pytest.raises(FileError, match="unpacks to more than 20,000,000 bytes"):
        unpacked(BOMBS[bomb], Limits(max_bytes=20_000_000, max_ratio=1e9))


def test_a_small_file_may_grow_by_any_ratio(unpacked):
    assert unpacked(gzip.compress(b"\0" * 9_000_000), Limits(max_ratio=2))[0] == "gzip"


def test_exactly_the_limit_passes(unpacked):
    assert unpacked(gzip.compress(PLAIN), Limits(max_bytes=len(PLAIN))) == ("gzip", PLAIN)


def test_one_byte_more_than_the_limit_is_refused(unpacked):
    with pytest.raises(FileError, match="unpacks to more than"):
        unpacked(gzip.compress(PLAIN), Limits(max_bytes=len(PLAIN) - 1))


def test_a_wrong_length_alone_is_noticed(unpacked):
    content = gzip.compress(PLAIN)
    wrong = content[:-4] + ((len(PLAIN) + 1) % 2**32).to_bytes(4, "little")
    assert zlib.crc32(PLAIN).to_bytes(4, "little") == wrong[-8:-4]
    with pytest.raises(FileError, match="is damaged"):
        unpacked(wrong)
