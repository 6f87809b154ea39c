"""The beginning of a file tells what it holds: downloaded, decrypted, unpacked and cut as far as it goes."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile

import pytest

from cdp_assets.config.files import Format
from cdp_assets.errors import ConfigError, FileChangedError, FileError
from cdp_assets.files.beginnings import text_of_beginning, unwrap_beginning
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.proxy import Proxy

ROWS = "".join(f"{number};user{number}@example.com;{number * 7919 % 100_003}\n" for number in range(60_000)).encode()
OLD = 1_700_000_000


def beginning(folder, content, *, cut, pgp=None):
    received = folder / "received"
    received.write_bytes(content[:cut])
    return unwrap_beginning(received, folder, pgp=pgp, name="x")


def test_only_the_beginning_of_a_large_file_is_downloaded(sshd, remote):
    content = os.urandom(50 << 20)
    (remote / "big.csv").write_bytes(content)
    os.utime(remote / "big.csv", (OLD, OLD))
    with Proxy(sshd.port) as proxy:
        with open_server(sshd.server_config(port=proxy.port)) as files:
            found = files.read_prefix(files.stat_file(f"{remote}/big.csv"), 4 << 20)
        assert found == content[: 4 << 20]
        assert proxy.forwarded["down"] < 5 << 20


def test_the_beginning_of_a_file_that_changed_is_refused(sshd, remote):
    (remote / "a.csv").write_bytes(b"x" * 100)
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.csv")
        (remote / "a.csv").write_bytes(b"x" * 101)
        with pytest.raises(FileChangedError, match="changed while it was read"):
            files.read_prefix(file, 10)


@pytest.mark.parametrize("options", [(), ("--compress-algo", "none"), ("--armor",)])
def test_the_beginning_of_a_message_gives_the_beginning_of_its_content(tmp_path, ring, key, options):
    sealed = ring.encrypted(ROWS, key, options=options)
    opened = beginning(tmp_path, sealed, cut=len(sealed) // 2, pgp=PgpKeys(key.private))
    found = opened.path.read_bytes()
    assert opened.layers == ("pgp",)
    assert len(ROWS) // 4 < len(found) < len(ROWS)
    assert ROWS.startswith(found)


def test_gzip_inside_a_message_is_unpacked_as_far_as_it_goes(tmp_path, ring, key):
    sealed = ring.encrypted(gzip.compress(ROWS), key, options=("--compress-algo", "none"))
    opened = beginning(tmp_path, sealed, cut=len(sealed) // 2, pgp=PgpKeys(key.private))
    assert opened.layers == ("pgp", "gzip")
    assert ROWS.startswith(opened.path.read_bytes())
    assert opened.path.stat().st_size > len(ROWS) // 4


def test_several_gzip_members_are_one_text(tmp_path):
    packed = gzip.compress(ROWS[:1_000_000]) + gzip.compress(ROWS[1_000_000:])
    opened = beginning(tmp_path, packed, cut=len(packed) - 10_000)
    found = opened.path.read_bytes()
    assert len(found) > 1_000_000
    assert ROWS.startswith(found)


def test_a_gzip_bomb_gives_no_more_than_is_looked_at(tmp_path):
    packed = gzip.compress(b"x" * (64 << 20))
    opened = beginning(tmp_path, packed, cut=len(packed))
    assert opened.path.stat().st_size == 16 << 20


def test_a_message_to_somebody_else_is_named_from_its_beginning(tmp_path, ring, key):
    sealed = ring.encrypted(ROWS, ring.key("other"))
    with pytest.raises(FileError, match="x is encrypted to 0x"):
        beginning(tmp_path, sealed, cut=100_000, pgp=PgpKeys(key.private))


def test_a_wrong_passphrase_is_told(tmp_path, ring):
    locked = ring.key("locked", passphrase="right")
    with pytest.raises(ConfigError, match="the passphrase does not open the PGP private key"):
        beginning(tmp_path, ring.encrypted(ROWS, locked), cut=100_000, pgp=PgpKeys(locked.private, "wrong"))


def test_a_plain_file_is_named_where_a_message_is_expected(tmp_path, key):
    with pytest.raises(FileError, match="File is not PGP encrypted: x"):
        beginning(tmp_path, ROWS, cut=100_000, pgp=PgpKeys(key.private))


def test_a_zip_file_and_an_unexpected_message_need_the_whole(tmp_path, ring, key):
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", ROWS)
    assert beginning(tmp_path, (tmp_path / "z").read_bytes(), cut=100_000) is None
    assert beginning(tmp_path, ring.encrypted(ROWS, key), cut=100_000) is None


def test_without_gpg_a_message_needs_the_whole(tmp_path, ring, key, monkeypatch):
    sealed = ring.encrypted(ROWS, key)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert shutil.which("gpg") is None
    assert beginning(tmp_path, sealed, cut=100_000, pgp=PgpKeys(key.private)) is None


def cut_text(folder, content, **layout):
    (folder / "cut").write_bytes(content)
    return text_of_beginning(folder / "cut", folder, Format(**layout)).read_bytes()


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (b"a,b\n1,2\n3,", b"a,b\n1,2\n"),
        (b"a,b\r\n1,2\r\n3,4", b"a,b\r\n1,2\r\n"),
        (b"a,b\r1,2\r3,4", b"a,b\r1,2\r"),
        (b'a,b\n1,"two\nlines"\n3,"four\nfi', b'a,b\n1,"two\nlines"\n'),
        (b'a,b\n1,"2 "" 3\n"\n4,"5\n6', b'a,b\n1,"2 "" 3\n"\n'),
        (b"a,b\n", b"a,b\n"),
        (b"one line only", b"one line only"),
        (b"a\nr\xc3", b"a\n"),
    ],
)
def test_the_text_ends_with_its_last_whole_row(tmp_path, content, left):
    assert cut_text(tmp_path, content) == left


def test_a_quote_that_is_never_closed_costs_no_rows_far_before_the_end(tmp_path):
    content = b'a,b\n"x,1\n' + b"y,2\n" * 1_000
    assert cut_text(tmp_path, content + b"z", max_row_bytes=1_024) == content


def test_an_escaped_quote_does_not_open_a_cell(tmp_path):
    content = b'a,b\n1,"x \\" y"\n2,"z"\n'
    assert cut_text(tmp_path, content + b"3,", escape="\\") == content


def test_a_wide_encoding_may_be_cut_within_a_sign(tmp_path):
    content = "a,b\né,ü\nö".encode("utf-16")
    assert cut_text(tmp_path, content[:-1], encoding="utf-16") == "a,b\né,ü\n".encode()
