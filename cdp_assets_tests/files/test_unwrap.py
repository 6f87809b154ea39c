from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.unwrap import unwrap

PLAIN = b"id;name\n1;Ann\n" * 1000
LIMITS = Limits()


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", content)
    return file.getvalue()


@pytest.fixture
def unwrapped(tmp_path):
    """Unwraps bytes; checks that the received file stays, and that an error leaves nothing else."""

    def unwrap_bytes(content, key=None, **more):
        received, folder = tmp_path / "received", tmp_path / "private"
        received.write_bytes(content)
        folder.mkdir(exist_ok=True)
        keys = PgpKeys(key.private, **more) if key else None
        try:
            result = unwrap(received, folder, pgp=keys, limits=LIMITS, name="in/a.csv")
        except Exception:
            assert list(folder.iterdir()) == []
            raise
        assert received.read_bytes() == content
        assert list(folder.iterdir()) == ([] if result.path == received else [result.path])
        return result

    return unwrap_bytes


@pytest.mark.parametrize("content", [b"", PLAIN], ids=len)
def test_a_plain_file_is_used_where_it_stands(unwrapped, tmp_path, content):
    result = unwrapped(content)
    assert (result.path, result.layers, result.warnings) == (tmp_path / "received", (), ())


@pytest.mark.parametrize(
    ("content", "layers"),
    [
        (gzip.compress(PLAIN), ("gzip",)),
        (zipped(PLAIN), ("zip",)),
        (zipped(gzip.compress(PLAIN)), ("zip", "gzip")),
        (gzip.compress(gzip.compress(zipped(PLAIN))), ("gzip", "gzip", "zip")),
    ],
    ids=["gzip", "zip", "gzip in zip", "zip in gzip in gzip"],
)
def test_packings_come_off_outermost_first(unwrapped, content, layers):
    result = unwrapped(content)
    assert (result.path.read_bytes(), result.layers) == (PLAIN, layers)


def test_a_nest_of_packings_is_refused(unwrapped):
    nest = PLAIN
    for _ in range(4):
        nest = gzip.compress(nest)
    with pytest.raises(FileError, match=r"in/a\.csv is packed more than 3 times"):
        unwrapped(nest)


@pytest.mark.parametrize("armor", [(), ("--armor",)])
@pytest.mark.parametrize(
    ("inside", "layers"),
    [(PLAIN, ("pgp",)), (gzip.compress(PLAIN), ("pgp", "gzip")), (zipped(PLAIN), ("pgp", "zip"))],
    ids=["plain", "gzip", "zip"],
)
def test_pgp_comes_off_before_the_packing(ring, key, unwrapped, armor, inside, layers):
    result = unwrapped(ring.encrypted(inside, key, options=armor), key)
    assert (result.path.read_bytes(), result.layers) == (PLAIN, layers)


def test_a_second_run_gives_the_same(ring, key, unwrapped):
    content = ring.encrypted(gzip.compress(PLAIN), key)
    assert unwrapped(content, key) == unwrapped(content, key)


@pytest.mark.parametrize("content", [b"", PLAIN, gzip.compress(PLAIN)], ids=len)
def test_with_a_key_a_plain_file_is_refused(key, unwrapped, content):
    with pytest.raises(FileError, match=r"^File is not PGP encrypted: in/a\.csv$"):
        unwrapped(content, key)


@pytest.mark.parametrize("armor", [(), ("--armor",)])
def test_without_a_key_an_encrypted_file_asks_for_one(ring, key, unwrapped, armor):
    with pytest.raises(FileError, match=r"in/a\.csv is PGP encrypted, but this connection has no PGP key; give pgp"):
        unwrapped(ring.encrypted(PLAIN, key, options=armor))


def test_pgp_inside_of_something_is_named(ring, key, unwrapped):
    content = ring.encrypted(PLAIN, key)
    with pytest.raises(FileError, match="is PGP encrypted inside gzip"):
        unwrapped(gzip.compress(content))
    with pytest.raises(FileError, match="is PGP encrypted inside pgp"):
        unwrapped(ring.encrypted(content, key), key)
    with pytest.raises(FileError, match="File is not PGP encrypted"):
        unwrapped(gzip.compress(content), key)


@pytest.mark.parametrize(
    "inside", [gzip.compress(PLAIN)[:-4], gzip.compress(PLAIN) + b"x", zipped(PLAIN)[:-30]], ids=["cut", "junk", "zip"]
)
def test_a_broken_packing_leaves_no_plaintext(ring, key, unwrapped, inside):
    with pytest.raises(FileError, match=r"in/a\.csv"):
        unwrapped(ring.encrypted(inside, key), key)


def test_signers_and_warnings_are_passed_on(ring, unwrapped):
    old = ring.key("old", at="20200101T000000", expires="1y")
    signer = ring.key("signer")
    packets = ring.gpg(
        *("--recipient", old.fingerprint, "--output", "-", "--encrypt"), feed=PLAIN, at="20200601T000000"
    )
    assert ["expired on 2020-12-31" in warning for warning in unwrapped(packets, old).warnings] == [True]
    signed = ring.encrypted(PLAIN, signer, signed_by=signer)
    result = unwrapped(signed, signer, require_signature=True, verification_keys=(signer.public,))
    assert result.signers == (signer.fingerprint,)


def test_a_wrong_passphrase_leaves_nothing(ring, unwrapped):
    key = ring.key("protected", passphrase="right")
    with pytest.raises(ConfigError, match="the passphrase does not open"):
        unwrapped(ring.encrypted(PLAIN, key), key, passphrase="wrong")
