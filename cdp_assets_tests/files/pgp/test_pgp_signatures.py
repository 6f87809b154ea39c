"""Signatures, where they are required."""

from __future__ import annotations

import pytest

from cdp_assets.errors import ConfigError, FileError
from cdp_assets_tests.files.pgp.conftest import PLAIN
from cdp_assets_tests.support.openpgp import sealed_packets


@pytest.mark.parametrize("pin", ["nobody", "the key", "with spaces"])
def test_a_good_signature_is_accepted(ring, ours, supplier, opened, pin):
    spaced = " ".join(supplier.fingerprint[i : i + 4] for i in range(0, 40, 4)).lower()
    signers = {"nobody": (), "the key": (supplier.fingerprint,), "with spaces": (spaced,)}[pin]
    content = ring.encrypted(PLAIN, ours, signed_by=supplier)
    required = {"require_signature": True, "signers": signers, "verification_keys": (supplier.public,)}
    result, plain = opened(content, ours, **required)
    assert (plain, result.signers) == (PLAIN, (supplier.fingerprint,))


def test_a_signature_is_not_looked_at_unless_required(ring, ours, supplier, opened):
    result, plain = opened(ring.encrypted(PLAIN, ours, signed_by=supplier), ours)
    assert (plain, result.signers) == (PLAIN, ())


def test_an_unsigned_file_is_refused_where_a_signature_is_required(ours, supplier, opened, message):
    with pytest.raises(FileError, match="is not signed; the supplier must sign it"):
        opened(message, ours, require_signature=True, verification_keys=(supplier.public,))


def test_a_signature_by_an_unknown_key_is_refused(ring, ours, supplier, other, opened):
    content = ring.encrypted(PLAIN, ours, signed_by=other)
    with pytest.raises(FileError, match=f"by 0x{other.key_id} is by a key that is not among the verification keys"):
        opened(content, ours, require_signature=True, verification_keys=(supplier.public,))


def test_a_known_signer_who_is_not_pinned_is_refused(ring, ours, supplier, other, opened):
    content = ring.encrypted(PLAIN, ours, signed_by=other)
    with pytest.raises(FileError, match=f"is signed by 0x{other.fingerprint}, accepted are only"):
        opened(
            content,
            ours,
            require_signature=True,
            signers=(supplier.fingerprint,),
            verification_keys=(supplier.public, other.public),
        )


def test_a_signature_over_something_else_is_refused(ring, ours, supplier, opened):
    signed = ring.gpg(
        "--compress-algo", "none", "--local-user", supplier.fingerprint, "--output", "-", "--sign", feed=PLAIN
    )
    # Encrypted as it is, so that the integrity check finds nothing wrong.
    forged = sealed_packets(signed.replace(b"1;Ann", b"1;Bob", 1), ours)
    with pytest.raises(FileError, match=f"by 0x{supplier.key_id} does not belong to this content"):
        opened(forged, ours, require_signature=True, verification_keys=(supplier.public,))


def test_a_signature_by_an_expired_key_is_refused(ring, ours, opened):
    key = ring.key("signer ended", at="20200101T000000", expires="1y")
    # Encrypted today, signed when the key was still good.
    signed = ring.gpg("--local-user", key.fingerprint, "--output", "-", "--sign", feed=PLAIN, at="20200601T000000")
    content = sealed_packets(signed, ours)
    with pytest.raises(FileError, match=f"by 0x{key.key_id} is by a key that has expired"):
        opened(content, ours, require_signature=True, verification_keys=(key.public,))


def test_an_expired_signature_is_refused(ring, ours, supplier, opened):
    old = ring.key("old signer", at="20200101T000000")
    options = ("--default-sig-expire", "1m", "--local-user", old.fingerprint, "--output", "-", "--sign")
    signed = ring.gpg(*options, feed=PLAIN, at="20200601T000000")
    with pytest.raises(FileError, match=f"by 0x{old.key_id} has expired"):
        opened(sealed_packets(signed, ours), ours, require_signature=True, verification_keys=(old.public,))


def test_a_signature_by_a_revoked_key_is_refused(ring, ours, opened):
    key = ring.key("signer revoked")
    content = ring.encrypted(PLAIN, ours, signed_by=key)
    with pytest.raises(FileError, match=f"by 0x{key.key_id} is by a key that was revoked"):
        opened(content, ours, require_signature=True, verification_keys=(ring.revoked(key).public,))


@pytest.mark.parametrize(
    ("more", "message_text"),
    [
        ({}, "there is no key to check them"),
        ({"signers": ("0" * 40,), "verification_keys": "own"}, "has no key in pgp.verification_keys"),
        ({"verification_keys": ("nonsense",)}, "pgp.verification_keys is no armored PGP key"),
    ],
)
def test_a_signature_policy_without_its_keys_is_our_mistake(ours, opened, message, more, message_text):
    if more.get("verification_keys") == "own":
        more = more | {"verification_keys": (ours.public,)}
    with pytest.raises(ConfigError, match=message_text):
        opened(message, ours, require_signature=True, **more)
