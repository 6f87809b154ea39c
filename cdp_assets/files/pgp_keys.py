"""Reads PGP keys: which parts they have, what each may do, and until when.

A key has a primary part and subkeys; each has its own key id. PGPy reads them for both engines. Keys come from
our own configuration, so what they say about themselves is believed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.pgp_armor import PRIVATE_KEY, PUBLIC_KEY, dearmored

with warnings.catch_warnings():
    # PGPy 0.6.0 imports ciphers that cryptography is about to move.
    warnings.simplefilter("ignore")
    import pgpy
    from pgpy.constants import KeyFlags, SignatureType

_BLOCK = re.compile(
    rf"-----BEGIN PGP ({PUBLIC_KEY}|{PRIVATE_KEY})-----.*?-----END PGP \1-----",
    re.DOTALL,
)
_MINUTES = "%Y-%m-%d %H:%M"
_ENCRYPTS = {KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage}


@contextmanager
def quiet_pgpy() -> Iterator[None]:
    """Mutes what PGPy 0.6.0 warns about itself (checks it has not implemented, ciphers on their way out)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class KeyPart:
    """A primary key or a subkey, as its owner's newest signature describes it."""

    fingerprint: str
    """40 upper-case hexadecimal digits."""
    primary_fingerprint: str
    created: datetime
    expires: datetime | None
    """The earlier of its own end and that of its primary key; None = never."""
    is_revoked: bool
    can_encrypt: bool
    can_sign: bool
    is_private: bool
    key: pgpy.PGPKey = field(repr=False, compare=False)
    primary: pgpy.PGPKey = field(repr=False, compare=False)
    """Held because PGPy's subkeys refer to it weakly."""

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits, as they stand in a message."""
        return self.fingerprint[-16:]

    def fault(self, now: datetime) -> str:
        """Why it may not be used for something new, as the end of a sentence; empty if it may."""
        if self.is_revoked:
            return "was revoked"
        if self.created > now:
            return f"was created at {self.created:{_MINUTES}} UTC, but this machine's clock says {now:{_MINUTES}}"
        if self.expires is not None and self.expires <= now:
            return f"expired on {self.expires:%Y-%m-%d}"
        return ""


def key_blocks(text: str, what: str) -> list[tuple[str, bytes]]:
    """Every armored key in a text: (kind of block, its bytes).

    A text on one line with its line ends written as a backslash and n, as environment files have it, is read too.

    Raises:
        ConfigError: there is none, or one is damaged. `what` names the setting.
    """
    if "\n" not in text.strip():
        text = text.replace("\\n", "\n")
    text = "\n".join(line.strip() for line in text.splitlines())
    try:
        found = [(match[1], dearmored(match[0], match[1], what)) for match in _BLOCK.finditer(text)]
    except FileError as error:
        raise ConfigError(f"{what} cannot be read: {error}") from None
    if not found:
        raise ConfigError(f"{what} is no armored PGP key (-----BEGIN PGP … KEY BLOCK-----); export it with --armor")
    return found


def read_key_parts(text: str, what: str) -> tuple[KeyPart, ...]:
    """All parts of all keys in an armored text, primary first.

    Raises:
        ConfigError: the text holds no key, or one that cannot be read. `what` names the setting.
    """
    parts: list[KeyPart] = []
    for _, block in key_blocks(text, what):
        try:
            with quiet_pgpy():
                keys = pgpy.PGPKey.from_blob(block)[1]
                for key in keys.values():
                    parts += _parts(key)
        except Exception as error:  # noqa: BLE001 - PGPy raises anything for a broken key.
            # Not chained, and not quoted: PGPy raises anything here, maybe with a piece of the key in it.
            raise ConfigError(f"{what} cannot be read as a PGP key ({type(error).__name__}); export it anew") from None
    return tuple(parts)


def key_ids(parts: Iterable[KeyPart]) -> str:
    """Key ids as people know them, for a message."""
    return ", ".join(f"0x{part.key_id}" for part in parts)


def _parts(primary: pgpy.PGPKey) -> Iterator[KeyPart]:
    own = [uid.selfsig for uid in primary.userids if uid.selfsig is not None]
    own += [sig for sig in primary.self_signatures if sig.type == SignatureType.DirectlyOnKey]
    yield _part(primary, primary, own, None)
    end = _end(primary, own)
    for subkey in primary.subkeys.values():
        bindings = [sig for sig in subkey.self_signatures if sig.type == SignatureType.Subkey_Binding]
        yield _part(primary, subkey, bindings, end)


def _part(primary: pgpy.PGPKey, key: pgpy.PGPKey, own: list[pgpy.PGPSignature], latest: datetime | None) -> KeyPart:
    ends = [end for end in (_end(key, own), latest) if end is not None]
    flags = _newest(own).key_flags if own else set()
    is_revoked = any(True for _ in key.revocation_signatures) or any(True for _ in primary.revocation_signatures)
    return KeyPart(
        fingerprint=str(key.fingerprint).replace(" ", ""),
        primary_fingerprint=str(primary.fingerprint).replace(" ", ""),
        created=_aware(key.created),
        expires=min(ends, default=None),
        is_revoked=is_revoked,
        can_encrypt=bool(_ENCRYPTS & flags) if flags else key.key_algorithm.can_encrypt,
        can_sign=KeyFlags.Sign in flags if flags else key.key_algorithm.can_sign,
        is_private=not key.is_public,
        key=key,
        primary=primary,
    )


def _newest(own: list[pgpy.PGPSignature]) -> pgpy.PGPSignature:
    return max(own, key=lambda signature: _aware(signature.created))


def _end(key: pgpy.PGPKey, own: list[pgpy.PGPSignature]) -> datetime | None:
    after = _newest(own).key_expiration if own else None
    return _aware(key.created) + after if after else None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
