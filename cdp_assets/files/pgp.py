"""Opens received PGP files and makes those that are sent: one interface, two engines.

`gpg` where the machine has it, PGPy otherwise. What they share stands here: which key is to be used, whether
it may be, whose signature counts, and that plaintext appears only after its integrity check.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.limits import Limits, appearing
from cdp_assets.files.pgp_gpg import GpgEngine
from cdp_assets.files.pgp_keys import KeyPart, key_ids, read_key_parts
from cdp_assets.files.pgp_message import HIDDEN, Message, is_pgp_message, open_message
from cdp_assets.files.pgp_pgpy import PgpyEngine
from cdp_assets.files.pgp_types import Engine, PgpKeys, Sealing, Signature, Unlocking

__all__ = [
    "Decrypted",
    "PgpKeys",
    "check_keys",
    "days_left",
    "decrypt",
    "decrypt_beginning",
    "encrypt",
    "is_pgp_message",
    "opens_beginnings",
]

_SOON_DAYS = 30


@dataclass(frozen=True)
class Decrypted:
    """What is known about a file that was opened."""

    signers: tuple[str, ...]
    """Primary fingerprints of those whose valid signature was asked for and found; empty where none is required."""
    warnings: tuple[str, ...]
    """What works today and should be looked at, in sentences."""


def default_engine() -> Engine:
    """GnuPG where this machine has it, PGPy otherwise."""
    return GpgEngine() if shutil.which("gpg") and shutil.which("gpgconf") else PgpyEngine()


def decrypt(
    source: Path, target: Path, keys: PgpKeys, limits: Limits, *, name: str = "", engine: Engine | None = None
) -> Decrypted:
    """Opens a received file; `target` appears whole and proven, or not at all.

    `name` is what messages call the file. An expired key of ours still opens what was sent to it, with a
    warning. A second run replaces `target` by the same content.

    Raises:
        FileError: the supplier must act: not encrypted, not to us, damaged, over the limits, not signed as required.
        ConfigError: we must act: our key, passphrase, verification keys or clock.
        LocalDiskError: this machine cannot read or write the files.
    """
    now = datetime.now(UTC)
    shown = name or source.name
    with open_message(source, shown) as message, appearing(target) as partial:
        held = [part for part in read_key_parts(keys.private_key, "pgp.private_key") if part.is_private]
        parts = _fitting(message, held)
        _check_ours(parts, keys, now)
        verifying = _verifying(keys) if keys.require_signature else ()
        job = Unlocking(message, keys, parts, verifying, limits)
        signatures = (engine or default_engine()).decrypt(job, partial)
        signers = _signers(signatures, keys, shown) if keys.require_signature else ()
        return Decrypted(signers, tuple(_warnings(parts, message, now)))


def opens_beginnings() -> bool:
    """Whether this machine can open the beginning of a message without the rest of it."""
    return isinstance(default_engine(), GpgEngine)


def decrypt_beginning(source: Path, target: Path, keys: PgpKeys, most_bytes: int, *, name: str) -> None:
    """Opens the first bytes of a message, for people to look at: neither integrity nor signatures are checked.

    `target` gets at most `most_bytes`, and is empty where the beginning gives nothing by itself. Needs an engine
    that `opens_beginnings`.

    Raises:
        FileError: the supplier must act: not encrypted, or not to us.
        ConfigError: we must act: our key or passphrase does not fit.
        LocalDiskError: this machine cannot read or write the files.
    """
    with open_message(source, name) as message, appearing(target) as partial:
        held = [part for part in read_key_parts(keys.private_key, "pgp.private_key") if part.is_private]
        parts = _fitting(message, held)
        _check_ours(parts, keys, datetime.now(UTC))
        GpgEngine().decrypt_beginning(Unlocking(message, keys, parts, (), Limits()), partial, most_bytes)


def encrypt(
    source: Path,
    target: Path,
    public_keys: Sequence[str],
    *,
    armor: bool = False,
    sign_with: PgpKeys | None = None,
    compress: bool = True,
    engine: Engine | None = None,
) -> tuple[str, ...]:
    """Encrypts a file to every key given; gives warnings about keys that end soon.

    `target` appears whole or not at all; each run gives other bytes. `compress` False: the content is packed already.

    Raises:
        ConfigError: a key is expired, revoked, from the future, or cannot encrypt; the signing key or its
            passphrase does not fit.
        LocalDiskError: this machine cannot read or write the files.
    """
    recipients, signing = _sealing_parts(public_keys, sign_with)
    job = Sealing(source, source.name, public_keys, recipients, armor, sign_with, signing, compress)
    with appearing(target) as partial:
        (engine or default_engine()).encrypt(job, partial)
    return tuple(_ending_soon([*recipients, *([signing] if signing else [])], datetime.now(UTC)))


def check_keys(public_keys: Sequence[str], sign_with: PgpKeys | None = None) -> tuple[str, ...]:
    """Whether files can be encrypted to these keys, before there are any; gives warnings about keys that end soon.

    Raises:
        ConfigError: as `encrypt`.
    """
    recipients, signing = _sealing_parts(public_keys, sign_with)
    return tuple(_ending_soon([*recipients, *([signing] if signing else [])], datetime.now(UTC)))


def _sealing_parts(public_keys: Sequence[str], sign_with: PgpKeys | None) -> tuple[list[KeyPart], KeyPart | None]:
    now = datetime.now(UTC)
    recipients = [part for key in public_keys for part in _recipients(key, now)]
    if not recipients:
        raise ConfigError("there is no PGP public key to encrypt to; give at least one in pgp.public_keys")
    return recipients, _signing_part(sign_with, now) if sign_with is not None else None


def days_left(key: str, *, now: datetime | None = None) -> int | None:
    """Whole days until nothing can be encrypted to a key any more; None = it never ends, negative = it has ended."""
    moment = now or datetime.now(UTC)
    parts = [part for part in read_key_parts(key, "the PGP key") if part.can_encrypt and not part.is_revoked]
    if not parts:
        raise ConfigError("the PGP key has no part that can encrypt, or it was revoked; ask its owner for a new one")
    ends = [part.expires for part in parts]
    if None in ends:
        return None
    return (max(end for end in ends if end is not None) - moment).days


def _fitting(message: Message, held: Sequence[KeyPart]) -> list[KeyPart]:
    """The parts that may open the message: those it names, or all where it names nobody."""
    named = [part for part in held if part.key_id in message.recipients]
    if named:
        return named
    able = [part for part in held if part.can_encrypt]
    if message.has_hidden_recipient and able:
        return able
    to = ", ".join(f"0x{key_id}" for key_id in message.recipients if key_id != HIDDEN)
    raise FileError(
        f"{message.name} is encrypted to {to or 'a hidden recipient'}, this connection holds "
        f"{key_ids(able) or 'no key that can decrypt'}: the supplier must encrypt to our public key, "
        "or pgp.private_key must be the key that was given to the supplier"
    )


def _check_ours(parts: Iterable[KeyPart], keys: PgpKeys, now: datetime) -> None:
    for part in parts:
        if part.key.is_protected and keys.passphrase is None:
            raise ConfigError(f"the PGP private key 0x{part.key_id} is protected; give pgp.passphrase as well")
        if part.created > now:
            raise ConfigError(f"the PGP private key 0x{part.key_id} {part.fault(now)}; set the clock right")


def _warnings(parts: Sequence[KeyPart], message: Message, now: datetime) -> Iterable[str]:
    for part in parts:
        fault = part.fault(now) if part.key_id in message.recipients else ""
        if fault:
            yield (
                f"{message.name} is encrypted to our PGP key 0x{part.key_id}, which {fault}; "
                "give the supplier a new public key"
            )


def _verifying(keys: PgpKeys) -> tuple[KeyPart, ...]:
    now = datetime.now(UTC)
    parts = [part for key in keys.verification_keys for part in read_key_parts(key, "pgp.verification_keys")]
    if not parts:
        raise ConfigError("signatures are required but there is no key to check them; give pgp.verification_keys")
    known = {fingerprint for part in parts for fingerprint in (part.fingerprint, part.primary_fingerprint)}
    for signer in keys.signers:
        if _plain(signer) not in known:
            raise ConfigError(f"signer {signer} has no key in pgp.verification_keys; add it there")
    for part in parts:
        if part.created > now:
            raise ConfigError(f"the PGP verification key 0x{part.key_id} {part.fault(now)}; set the clock right")
    return tuple(parts)


def _signers(signatures: Sequence[Signature], keys: PgpKeys, name: str) -> tuple[str, ...]:
    """One of the good signatures must be by somebody accepted."""
    if not signatures:
        raise FileError(f"{name} is not signed; the supplier must sign it")
    accepted = {_plain(signer) for signer in keys.signers}
    counted = [
        found for found in signatures if not accepted or accepted & {found.fingerprint, found.primary_fingerprint}
    ]
    if not counted:
        by = ", ".join(f"0x{found.primary_fingerprint}" for found in signatures)
        raise FileError(f"{name} is signed by {by}, accepted are only {', '.join(keys.signers)}")
    return tuple(sorted({found.primary_fingerprint for found in counted}))


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(" ", "").upper().removeprefix("0X")


def _recipients(key: str, now: datetime) -> list[KeyPart]:
    """For each key in the text, the newest part that can be encrypted to."""
    parts = read_key_parts(key, "pgp.public_keys")
    return [
        _usable([part for part in parts if part.primary_fingerprint == primary and part.can_encrypt], primary, now)
        for primary in dict.fromkeys(part.primary_fingerprint for part in parts)
    ]


def _signing_part(keys: PgpKeys, now: datetime) -> KeyPart:
    held = read_key_parts(keys.private_key, "pgp.private_key")
    able = [part for part in held if part.is_private and part.can_sign]
    part = _usable(able, held[0].primary_fingerprint, now)
    _check_ours([part], keys, now)
    return part


def _usable(able: Sequence[KeyPart], primary: str, now: datetime) -> KeyPart:
    usable = [part for part in able if not part.fault(now)]
    if usable:
        return max(usable, key=lambda part: part.created)
    if not able:
        raise ConfigError(f"the PGP key 0x{primary} has no part that can do this; ask its owner for another key")
    raise ConfigError(f"the PGP key 0x{primary} {able[-1].fault(now)}; ask its owner for a current key")


def _ending_soon(parts: Iterable[KeyPart], now: datetime) -> Iterable[str]:
    for part in parts:
        if part.expires is not None and (left := (part.expires - now).days) < _SOON_DAYS:
            soon = counted(left, "day")
            yield f"the PGP key 0x{part.key_id} expires in {soon} ({part.expires:%Y-%m-%d}); ask for a new one"
