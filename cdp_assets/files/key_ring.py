"""From PGP settings to keys: every reference resolved, at the last moment."""

from __future__ import annotations

from cdp_assets.config.pgp import Pgp
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.secrets import resolve_secret


def opening_keys(pgp: Pgp | None) -> PgpKeys | None:
    """What opens the files a connection receives; None where it expects none to be encrypted.

    Raises:
        ConfigError: the YAML author must act: a reference leads nowhere.
    """
    if pgp is None or pgp.private_key is None:
        return None
    return PgpKeys(
        private_key=resolve_secret(pgp.private_key),
        passphrase=resolve_secret(pgp.passphrase) if pgp.passphrase is not None else None,
        require_signature=pgp.require_signature,
        signers=pgp.signers,
        verification_keys=tuple(resolve_secret(key) for key in pgp.verification_keys),
    )
