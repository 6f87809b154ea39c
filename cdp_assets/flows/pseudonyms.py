"""The keys of pseudonyms: what an engine needs to make keyed digests, as variables that no statement spells out."""

from __future__ import annotations

import hashlib

from cdp_assets.config.export_processors import Pseudonymize
from cdp_assets.files.secrets import resolve_secret
from cdp_assets.sql.cell_processors import INNER, OUTER
from cdp_assets.sql.text import ident, sql
from cdp_assets.warehouse import Database

_BLOCK_BYTES = 64
"""Of every algorithm offered."""


def keep_key(engine: Database, settings: Pseudonymize, name: str) -> None:
    """Resolves the key and keeps what HMAC (RFC 2104) makes of it, under this name; nothing where there is no key.

    Raises:
        ConfigError: the YAML author must act: the reference leads nowhere.
    """
    if settings.key is None:
        return
    key = resolve_secret(settings.key).encode()
    if len(key) > _BLOCK_BYTES:
        key = hashlib.new(settings.algorithm, key).digest()
    key = key.ljust(_BLOCK_BYTES, b"\0")
    for suffix, sign in ((INNER, 0x36), (OUTER, 0x5C)):
        pad = bytes(byte ^ sign for byte in key)
        engine.run(sql("SET VARIABLE {name} = ?::BLOB", name=ident(name + suffix)), [pad])
