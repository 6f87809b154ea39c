"""What the two PGP engines have in common: the keys given to them, what they find, and how they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Protocol

from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp_keys import KeyPart
from cdp_assets.files.pgp_message import Message


@dataclass(frozen=True)
class PgpKeys:
    """One connection's keys as armored text, kept out of `repr` and never pickled."""

    private_key: str = field(repr=False)
    """Armored private key; several blocks in one text are several keys."""
    passphrase: str | None = field(default=None, repr=False)
    require_signature: bool = False
    """Whether a file must be validly signed by one of `verification_keys`; if not, signatures are not looked at."""
    signers: tuple[str, ...] = ()
    """Fingerprints that alone are accepted, of a whole key or of one of its subkeys; none = any verification key."""
    verification_keys: tuple[str, ...] = field(default=(), repr=False)
    """Armored public keys of those who sign."""

    def __reduce__(self) -> NoReturn:
        message = "PgpKeys hold secrets and are not pickled; resolve them where they are used"
        raise TypeError(message)


class Verdict(StrEnum):
    """What became of one signature's check."""

    good = "good"
    bad = "does not belong to this content"
    unknown_key = "is by a key that is not among the verification keys"
    expired = "has expired"
    expired_key = "is by a key that has expired"
    revoked_key = "is by a key that was revoked"


@dataclass(frozen=True)
class Signature:
    """One signature an engine found and checked."""

    verdict: Verdict
    key_id: str
    fingerprint: str = ""
    """Of the key or subkey that signed; known only where the key is."""
    primary_fingerprint: str = ""


@dataclass(frozen=True)
class Unlocking:
    """What an engine needs to open a message."""

    message: Message
    keys: PgpKeys
    parts: Sequence[KeyPart]
    """The private parts that may open it: those it is encrypted to, or all for a hidden recipient."""
    verifying: Sequence[KeyPart]
    """Keys to check signatures with; empty where they are not looked at."""
    limits: Limits


@dataclass(frozen=True)
class Sealing:
    """What an engine needs to make a message."""

    source: Path
    name: str
    public_keys: Sequence[str]
    """The armored keys of all recipients."""
    recipients: Sequence[KeyPart]
    """The part of each that is encrypted to."""
    armor: bool
    sign_with: PgpKeys | None
    signing: KeyPart | None
    compress: bool = True
    """False: the content is packed already."""


class Engine(Protocol):
    """Opens and makes messages. Paths it writes to exist, private and empty; nobody reads them after an error."""

    name: str

    def decrypt(self, job: Unlocking, output: Path) -> tuple[Signature, ...]:
        """Writes the content, once its integrity is proven; gives the good signatures, where they are to be checked.

        Raises:
            FileError: the message is damaged, cut off, changed, over the limits, or a signature is not good.
            ConfigError: our key or passphrase does not fit, or this engine cannot open such a message.
        """
        ...

    def encrypt(self, job: Sealing, output: Path) -> None:
        """Writes the message.

        Raises:
            ConfigError: our key or passphrase does not fit, or this engine cannot make such a message.
        """
        ...


def refuse_failed(signatures: Iterable[Signature], name: str) -> None:
    """Raises for the first signature that is not good: one good signature does not outweigh a bad one."""
    for signature in signatures:
        if signature.verdict is not Verdict.good:
            raise FileError(f"{name} is not accepted: the signature by 0x{signature.key_id} {signature.verdict.value}")


def wrong_passphrase() -> ConfigError:
    """The error for a passphrase that does not open our key."""
    return ConfigError("the passphrase does not open the PGP private key; set pgp.passphrase to the one that does")


def damaged(name: str) -> FileError:
    """The error for a message that fails its integrity check, whatever did that to it."""
    return FileError(f"{name} is damaged or was changed: the PGP message fails its integrity check; deliver it again")
