from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.pgp import Pgp

KEY = {"env": "SHOP_PGP_KEY"}


def test_fingerprints_are_read_as_gpg_shows_them():
    shown = "3372 509D A5E2 C892 C704  04B8 169A C08E 458F d658"
    pgp = Pgp(private_key=KEY, require_signature=True, signers=(shown,), verification_keys=(KEY,))
    assert pgp.signers == ("3372509DA5E2C892C70404B8169AC08E458FD658",)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "give private_key"),
        ({"public_keys": [KEY], "passphrase": KEY}, "passphrase opens private_key, which is missing"),
        ({"private_key": KEY, "require_signature": True}, "require_signature needs private_key and verification_keys"),
        ({"private_key": KEY, "verification_keys": [KEY]}, "used only with require_signature: true"),
        ({"private_key": KEY, "signers": ["169AC08E458FD658"]}, "a fingerprint has 40 hexadecimal digits"),
        ({"private_key": "-----BEGIN"}, "valid dictionary"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        Pgp.model_validate(settings)
