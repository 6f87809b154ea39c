"""Keys and messages all PGP tests share; made once by a real gpg."""

from __future__ import annotations

import pytest

from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt
from cdp_assets.files.pgp_gpg import GpgEngine
from cdp_assets.files.pgp_pgpy import PgpyEngine

PLAIN = "".join(f"{row};Ann Söderberg;{row * 7919}\r\n" for row in range(20_000)).encode()
NAME = "customers_20250101.csv.pgp"
LIMITS = Limits()
PASSPHRASE = "pässwörd ключ"


@pytest.fixture(scope="session")
def ours(key):
    return key


@pytest.fixture(scope="session")
def supplier(ring):
    return ring.key("supplier")


@pytest.fixture(scope="session")
def other(ring):
    return ring.key("other")


@pytest.fixture(scope="session")
def protected(ring):
    return ring.key("protected", passphrase=PASSPHRASE)


@pytest.fixture(scope="session")
def message(ring, ours):
    """Uncompressed, so that a changed byte is found by nothing but the integrity check."""
    return ring.encrypted(PLAIN, ours, options=("--compress-algo", "none"))


@pytest.fixture(params=[GpgEngine(), PgpyEngine()], ids=lambda engine: engine.name)
def engine(request):
    return request.param


@pytest.fixture
def opened(tmp_path, engine):
    """Decrypts bytes with a key; checks that after an error nothing at all is left."""

    def open_bytes(content, key, *, limits=LIMITS, **more):
        source, folder = tmp_path / "received", tmp_path / "private"
        source.write_bytes(content)
        folder.mkdir(exist_ok=True)
        keys = PgpKeys(key.private, **({"passphrase": key.passphrase or None} | more))
        try:
            result = decrypt(source, folder / "plain", keys, limits, name=NAME, engine=engine)
        except Exception:
            assert list(folder.iterdir()) == []
            raise
        assert [path.name for path in folder.iterdir()] == ["plain"]
        assert (folder / "plain").stat().st_mode & 0o777 == 0o600
        return result, (folder / "plain").read_bytes()

    return open_bytes
