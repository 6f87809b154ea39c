"""Opening messages: kinds of messages, kinds of keys, and which key is missing."""

from __future__ import annotations

import dataclasses
import pickle
import random
import traceback

import pytest

from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.pgp import PgpKeys
from cdp_assets_tests.files.pgp.conftest import NAME, PASSPHRASE, PLAIN
from cdp_assets_tests.support.openpgp import encryption_key_id


@pytest.mark.parametrize("packing", ["none", "zip", "zlib", "bzip2"])
def test_a_message_opens_however_it_is_compressed(ring, ours, opened, packing):
    content = ring.encrypted(PLAIN, ours, options=("--compress-algo", packing))
    assert opened(content, ours)[1] == PLAIN


@pytest.mark.parametrize("plain", [b"", b"x", PLAIN, random.Random(1).randbytes(100_000)], ids=len)
def test_a_message_opens_whatever_it_says(ring, ours, opened, plain):
    assert opened(ring.encrypted(plain, ours), ours)[1] == plain


@pytest.mark.parametrize("around", [(b"", b""), (b"\xef\xbb\xbf", b""), (b"\r\n \n", b"\r\n\r\n")])
def test_armor_is_recognised(ring, ours, opened, around):
    content = ring.encrypted(PLAIN, ours, options=("--armor", "--comment", "by the supplier"))
    assert opened(around[0] + content + around[1], ours)[1] == PLAIN


def test_armor_with_other_line_ends_and_without_a_checksum_is_read(ring, ours, opened):
    lines = ring.encrypted(PLAIN, ours, options=("--armor",)).splitlines()
    content = b"\r\n".join(line for line in lines if not line.startswith(b"="))
    assert opened(content, ours)[1] == PLAIN


def test_rsa_keys_work(ring, opened):
    key = ring.key("rsa", algorithms=("rsa2048", "rsa2048"))
    assert opened(ring.encrypted(PLAIN, key), key)[1] == PLAIN


def test_a_protected_key_opens_with_its_passphrase(ring, protected, opened):
    assert opened(ring.encrypted(PLAIN, protected), protected)[1] == PLAIN


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_private_key_without_its_primary_part_works(ring, ours, protected, opened, passphrase):
    whole = protected if passphrase else ours
    key = ring.exported(whole.fingerprint, passphrase, only_subkeys=True)
    assert opened(ring.encrypted(PLAIN, key), key)[1] == PLAIN


def test_a_key_on_one_line_as_environment_files_have_it_works(ours, opened, message):
    assert opened(message, dataclasses.replace(ours, private=ours.private.strip().replace("\n", "\\n")))[1] == PLAIN


def test_one_of_several_recipients_is_enough(ring, ours, other, supplier, opened):
    content = ring.encrypted(PLAIN, other, ours, supplier)
    assert opened(content, ours)[1] == PLAIN


def test_one_of_several_private_keys_is_enough(ours, other, opened, message):
    both = dataclasses.replace(ours, private=other.private + "\n" + ours.private)
    assert opened(message, both)[1] == PLAIN


def test_a_hidden_recipient_needs_gpg(ring, ours, opened, engine):
    content = ring.encrypted(PLAIN, options=("--hidden-recipient", ours.fingerprint))
    if engine.name == "gpg":
        assert opened(content, ours)[1] == PLAIN
    else:
        with pytest.raises(ConfigError, match="hidden recipient; to read it, install GnuPG"):
            opened(content, ours)


def test_a_hidden_recipient_who_is_somebody_else_is_said(ring, ours, other, opened, engine):
    content = ring.encrypted(PLAIN, options=("--hidden-recipient", other.fingerprint))
    with pytest.raises((FileError, ConfigError), match="hidden recipient"):
        opened(content, ours)


def test_a_wrong_key_names_both_keys(ring, ours, other, opened):
    with pytest.raises(FileError, match=r"is encrypted to 0x[0-9A-F]{16}, this connection holds 0x[0-9A-F]{16}:"):
        opened(ring.encrypted(PLAIN, other), ours)


def test_a_wrong_passphrase_is_said_and_shown_nowhere(ring, protected, opened):
    wrong = "can" + "ary"
    with pytest.raises(ConfigError, match="the passphrase does not open the PGP private key") as caught:
        opened(ring.encrypted(PLAIN, protected), protected, passphrase=wrong)
    assert wrong not in "".join(traceback.format_exception(caught.value))


def test_a_missing_passphrase_is_said(ring, protected, opened):
    with pytest.raises(ConfigError, match=r"0x[0-9A-F]{16} is protected; give pgp.passphrase"):
        opened(ring.encrypted(PLAIN, protected), protected, passphrase=None)


@pytest.mark.parametrize(
    "content", [b"", b"id;name\n1;Ann\n", b"\xef\xbb\xbfid\n", "Ärger;1\n".encode(), "Á".encode("cp1252") + b"rea\x03"]
)
def test_a_plain_file_is_not_read_silently(ours, opened, content):
    with pytest.raises(FileError, match=f"^File is not PGP encrypted: {NAME}$"):
        opened(content, ours)


def test_a_file_that_is_only_signed_is_not_encrypted(ring, ours, supplier, opened):
    signed = ring.gpg("--local-user", supplier.fingerprint, "--output", "-", "--sign", feed=PLAIN)
    with pytest.raises(FileError, match="File is not PGP encrypted"):
        opened(signed, ours)


def test_a_password_instead_of_a_key_is_refused(ring, ours, opened):
    content = ring.gpg("--output", "-", "--symmetric", feed=PLAIN, passphrase="x")
    with pytest.raises(FileError, match="encrypted with a password"):
        opened(content, ours)


def test_an_expired_key_of_ours_opens_with_a_warning(ring, opened):
    key = ring.key("ended", at="20200101T000000", expires="1y")
    content = ring.encrypted(PLAIN, key, at="20200601T000000")
    result, plain = opened(content, key)
    assert plain == PLAIN
    start = f"{NAME} is encrypted to our PGP key 0x{encryption_key_id(key)}, which expired on 2020-12-31; give"
    assert [warning.startswith(start) for warning in result.warnings] == [True]


def test_a_key_from_the_future_points_at_the_clock(ring, opened):
    key = ring.key("future", at="20900101T000000")
    content = ring.encrypted(PLAIN, key, at="20900102T000000")
    with pytest.raises(ConfigError, match=r"was created at 2090-01-01 .* set the clock right"):
        opened(content, key)


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA"])
def test_a_private_key_that_is_none_is_said_without_quoting_it(ours, opened, message, text):
    with pytest.raises(ConfigError, match=r"pgp.private_key is no armored PGP key"):
        opened(message, dataclasses.replace(ours, private=text))


def test_keys_are_neither_shown_nor_pickled(protected):
    keys = PgpKeys(protected.private, PASSPHRASE, verification_keys=(protected.public,))
    assert "PGP" not in repr(keys).removeprefix("PgpKeys")
    assert PASSPHRASE not in repr(keys)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(keys)
