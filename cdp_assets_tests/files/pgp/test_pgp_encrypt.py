"""Messages of our own: any engine opens them, and no unusable key is encrypted to."""

from __future__ import annotations

import pytest

from cdp_assets.errors import ConfigError
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, days_left, decrypt, encrypt
from cdp_assets.files.pgp_gpg import GpgEngine
from cdp_assets.files.pgp_pgpy import PgpyEngine
from cdp_assets_tests.files.pgp.conftest import PLAIN


@pytest.mark.parametrize("armor", [False, True])
@pytest.mark.parametrize("opener", [GpgEngine(), PgpyEngine()], ids=lambda engine: f"opened by {engine.name}")
def test_what_one_engine_makes_any_engine_opens(tmp_path, ours, other, engine, opener, armor):
    source, sealed = tmp_path / "plain", tmp_path / "sealed"
    source.write_bytes(PLAIN)
    assert encrypt(source, sealed, (other.public, ours.public), armor=armor, engine=engine) == ()
    assert sealed.read_bytes().startswith(b"-----BEGIN PGP MESSAGE-----") is armor
    for key in (ours, other):
        decrypt(sealed, tmp_path / "opened", PgpKeys(key.private), Limits(), engine=opener)
        assert (tmp_path / "opened").read_bytes() == PLAIN


@pytest.mark.parametrize("signer", ["ours", "protected"])
@pytest.mark.parametrize("opener", [GpgEngine(), PgpyEngine()], ids=lambda engine: f"opened by {engine.name}")
def test_a_signed_export_is_verified_by_any_engine(tmp_path, request, supplier, engine, opener, signer):
    key = request.getfixturevalue(signer)
    source, sealed = tmp_path / "plain", tmp_path / "sealed"
    source.write_bytes(PLAIN)
    sign_with = PgpKeys(key.private, key.passphrase or None)
    encrypt(source, sealed, (supplier.public,), sign_with=sign_with, engine=engine)
    keys = PgpKeys(supplier.private, require_signature=True, verification_keys=(key.public,))
    result = decrypt(sealed, tmp_path / "opened", keys, Limits(), engine=opener)
    assert result.signers == (key.fingerprint,)


def test_signing_with_a_wrong_passphrase_is_said(tmp_path, supplier, protected, engine):
    (tmp_path / "plain").write_bytes(PLAIN)
    with pytest.raises(ConfigError, match="the passphrase does not open the PGP private key"):
        encrypt(
            tmp_path / "plain",
            tmp_path / "sealed",
            (supplier.public,),
            sign_with=PgpKeys(protected.private, "wrong"),
            engine=engine,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_nothing_is_encrypted_to_an_expired_key(tmp_path, ring, engine):
    key = ring.key("recipient ended", at="20200101T000000", expires="1y")
    (tmp_path / "plain").write_bytes(PLAIN)
    with pytest.raises(ConfigError, match=f"0x{key.fingerprint} expired on 2020-12-31; ask its owner"):
        encrypt(tmp_path / "plain", tmp_path / "sealed", (key.public,), engine=engine)
    assert days_left(key.public) < -2000


def test_nothing_is_encrypted_to_a_revoked_key(tmp_path, ring, engine):
    key = ring.revoked(ring.key("recipient revoked"))
    (tmp_path / "plain").write_bytes(PLAIN)
    with pytest.raises(ConfigError, match=f"0x{key.fingerprint} was revoked; ask its owner"):
        encrypt(tmp_path / "plain", tmp_path / "sealed", (key.public,), engine=engine)


def test_nothing_is_encrypted_to_a_key_that_cannot_encrypt_or_to_nobody(tmp_path, ring, engine):
    key = ring.key("only signs", encrypts=False)
    (tmp_path / "plain").write_bytes(PLAIN)
    with pytest.raises(ConfigError, match="has no part that can do this"):
        encrypt(tmp_path / "plain", tmp_path / "sealed", (key.public,), engine=engine)
    with pytest.raises(ConfigError, match="there is no PGP public key to encrypt to"):
        encrypt(tmp_path / "plain", tmp_path / "sealed", (), engine=engine)


def test_a_key_that_ends_soon_is_used_with_a_warning(tmp_path, ring, ours, engine):
    key = ring.key("ends soon", expires="10d")
    (tmp_path / "plain").write_bytes(PLAIN)
    warnings = encrypt(tmp_path / "plain", tmp_path / "sealed", (key.public, ours.public), engine=engine)
    assert len(warnings) == 1
    assert "expires in 9 days" in warnings[0]
    assert days_left(key.public) == 9
    assert days_left(ours.public) is None
