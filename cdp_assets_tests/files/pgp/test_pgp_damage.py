"""Messages that are cut off, changed, continued, unprotected or far too large."""

from __future__ import annotations

import pytest

from cdp_assets.errors import CdpError, ConfigError, FileError
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt, encrypt
from cdp_assets.files.pgp_pgpy import PgpyEngine
from cdp_assets_tests.files.pgp.conftest import PLAIN
from cdp_assets_tests.support.openpgp import sealed_packets


@pytest.mark.parametrize("share", [0.00001, 0.00005, 0.0001, 0.0003, 0.3, 0.6, 0.99, 0.99999])
def test_a_message_that_is_cut_off_is_refused(ours, opened, message, share):
    with pytest.raises(FileError, match=r"is cut off|not PGP encrypted"):
        opened(message[: int(len(message) * share)], ours)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99999])
def test_armor_that_is_cut_off_is_refused(ring, ours, opened, share):
    content = ring.encrypted(PLAIN, ours, options=("--armor",))
    with pytest.raises(FileError, match="is cut off"):
        opened(content[: int(len(content) * share)], ours)


@pytest.mark.parametrize("place", [0, 1, 5, 12, 40, 90, 94, 95, 97, 120, 5_000, 300_000, -30, -10, -1])
def test_a_changed_bit_is_always_found(ours, opened, message, place):
    changed = bytearray(message)
    changed[place] ^= 4
    # Which words depends on what the changed byte happens to mean.
    with pytest.raises(CdpError):
        opened(bytes(changed), ours)


@pytest.mark.parametrize("place", [200, 50_000, -200])
def test_a_changed_bit_in_compressed_content_is_found(ring, ours, opened, place):
    changed = bytearray(ring.encrypted(PLAIN, ours))
    changed[place] ^= 1
    with pytest.raises(FileError, match="is damaged or was changed"):
        opened(bytes(changed), ours)


@pytest.mark.parametrize("armor", [(), ("--armor",)])
@pytest.mark.parametrize("junk", [b"x", b"id;name\n1;Ann\n", b"\0" * 100, "twice"])
def test_whatever_follows_the_message_is_refused(ring, ours, opened, armor, junk):
    content = ring.encrypted(PLAIN, ours, options=armor)
    with pytest.raises(FileError, match="other bytes in or behind"):
        opened(content + (content if junk == "twice" else junk), ours)


def test_a_message_without_integrity_protection_is_refused(ring, ours, opened):
    content = ring.encrypted(PLAIN, ours, options=("--rfc2440", "--disable-mdc", "--cipher-algo", "AES256"))
    with pytest.raises(FileError, match="without integrity protection"):
        opened(content, ours)


@pytest.mark.parametrize("packing", ["zlib", "zip", "bzip2"])
def test_a_bomb_is_stopped(ring, ours, opened, packing):
    content = ring.encrypted(b"\0" * 30_000_000, ours, options=("--compress-algo", packing))
    with pytest.raises(FileError, match=r"unpacks to more than 10,000,000 bytes"):
        opened(content, ours, limits=Limits(max_ratio=100))


def test_the_largest_size_that_is_allowed_passes_and_one_byte_more_does_not(ours, opened, message):
    assert opened(message, ours, limits=Limits(max_bytes=len(PLAIN)))[1] == PLAIN


def test_one_byte_more_than_allowed_is_refused(ours, opened, message):
    with pytest.raises(FileError, match="unpacks to more than"):
        opened(message, ours, limits=Limits(max_bytes=len(PLAIN) - 1))


def test_two_contents_in_one_message_are_refused(ring, ours, opened):
    one = ring.gpg("--compress-algo", "none", "--output", "-", "--store", feed=PLAIN)
    with pytest.raises(FileError, match=r"damaged|2 contents"):
        opened(sealed_packets(one + one, ours), ours)


def test_without_gpg_a_large_file_asks_for_it(tmp_path, ours, message):
    source = tmp_path / "received"
    source.write_bytes(message)
    keys = PgpKeys(ours.private)
    with pytest.raises(ConfigError, match=r"without GnuPG at most 100,000 fit: install GnuPG"):
        decrypt(source, tmp_path / "plain", keys, Limits(), engine=PgpyEngine(100_000))
    with pytest.raises(ConfigError, match=r"without GnuPG at most 100,000 fit: install GnuPG"):
        encrypt(source, tmp_path / "sealed", (ours.public,), engine=PgpyEngine(100_000))


def test_without_gpg_a_small_file_with_large_content_asks_for_it(tmp_path, ring, ours):
    source = tmp_path / "received"
    source.write_bytes(ring.encrypted(b"0" * 1_000_000, ours))
    with pytest.raises(ConfigError, match=r"more than the 100,000 bytes that fit without GnuPG: install GnuPG"):
        decrypt(source, tmp_path / "plain", PgpKeys(ours.private), Limits(), engine=PgpyEngine(100_000))
