"""PGPy as an engine: for machines without GnuPG, and for files that fit into memory several times over.

PGPy opens session keys and checks signatures. The packets around and inside the message are read by us, because
PGPy 0.6.0 accepts messages without integrity protection, unpacks bombs, and takes minutes for large files. It
raises anything at all for a changed message, hence the broad `except` clauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cdp_assets.errors import ConfigError
from cdp_assets.files.pgp_content import Content, TooLargeError, read_content
from cdp_assets.files.pgp_keys import KeyPart, quiet_pgpy
from cdp_assets.files.pgp_message import PROTECTED
from cdp_assets.files.pgp_types import (
    PgpKeys,
    Sealing,
    Signature,
    Unlocking,
    Verdict,
    damaged,
    refuse_failed,
    wrong_passphrase,
)

with quiet_pgpy():
    import pgpy
    from pgpy.constants import CompressionAlgorithm, HashAlgorithm, SignatureType, SymmetricKeyAlgorithm
    from pgpy.packet import Packet
    from pgpy.packet.packets import IntegrityProtectedSKEDataV1

MOST_BYTES = 256 << 20
"""The largest file, and the largest content, that is opened or made in memory."""
_ADVICE = "install GnuPG on this machine (apt-get install gnupg)"
_MDC_BYTES = 22
_DOCUMENTS = (SignatureType.BinaryDocument, SignatureType.CanonicalDocument)


class PgpyEngine:
    """Opens and makes messages in memory."""

    name = "PGPy"

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes

    def decrypt(self, job: Unlocking, output: Path) -> tuple[Signature, ...]:
        """Opens the message in memory; as in `Engine`."""
        message = job.message
        self._refuse_beyond(message.size_bytes, message.name)
        if not job.parts or not set(message.recipients) & {part.key_id for part in job.parts}:
            raise ConfigError(f"{message.name} is encrypted to a hidden recipient; to read it, {_ADVICE}")
        if message.encrypted.tag != PROTECTED:
            raise ConfigError(f"{message.name} is encrypted in GnuPG's own OCB mode; to read it, {_ADVICE}")
        body = b"".join(piece for _, piece in message.pieces())
        with quiet_pgpy():
            decrypted = _decrypted(job, body)
            del body
            content = self._content(job, decrypted)
            signatures = _checked(content, job.verifying) if job.verifying else ()
        refuse_failed(signatures, message.name)
        output.write_bytes(content.data)
        return signatures

    def encrypt(self, job: Sealing, output: Path) -> None:
        """Makes the message in memory; as in `Engine`."""
        self._refuse_beyond(job.source.stat().st_size, job.name)
        with quiet_pgpy():
            compression = CompressionAlgorithm.ZLIB if job.compress else CompressionAlgorithm.Uncompressed
            message = pgpy.PGPMessage.new(job.source.read_bytes(), format="b", compression=compression)
            if job.sign_with is not None and job.signing is not None:
                with _unlocked(job.signing, job.sign_with):
                    message |= job.signing.key.sign(message, hash=HashAlgorithm.SHA256)
            # AES-256 is what every program of this century reads, so one choice serves all recipients.
            cipher = SymmetricKeyAlgorithm.AES256
            session_key = cipher.gen_key()
            for part in job.recipients:
                message = part.key.encrypt(message, sessionkey=session_key, cipher=cipher)
            output.write_bytes(str(message).encode() if job.armor else bytes(message))

    def _refuse_beyond(self, size_bytes: int, name: str) -> None:
        if size_bytes > self._most_bytes:
            raise ConfigError(
                f"{name} has {size_bytes:,} bytes; without GnuPG at most {self._most_bytes:,} fit: {_ADVICE}"
            )

    def _content(self, job: Unlocking, decrypted: bytes) -> Content:
        message, allowed = job.message, job.limits.ceiling(job.message.size_bytes)
        try:
            content = read_content(decrypted, min(allowed, self._most_bytes), message.name)
        except TooLargeError:
            content = None
        if content is not None and len(content.literal) <= min(allowed, self._most_bytes):
            return content
        if allowed <= self._most_bytes:
            raise job.limits.refusal(message.name, message.size_bytes)
        raise ConfigError(
            f"{message.name} unpacks to more than the {self._most_bytes:,} bytes that fit without GnuPG: {_ADVICE}"
        )


def _decrypted(job: Unlocking, body: bytes) -> bytes:
    """The packets inside, once the modification detection code has proven them."""
    name = job.message.name
    for part in job.parts:
        with _unlocked(part, job.keys):
            keys = list(_session_keys(job, part))
        for algorithm, key in keys:
            packet = IntegrityProtectedSKEDataV1()
            # Behind the version.
            packet.ct = body[1:]
            try:
                return bytes(packet.decrypt(key, algorithm))[:-_MDC_BYTES]
            except Exception as error:
                raise damaged(name) from error
    raise damaged(name)


def _session_keys(job: Unlocking, part: KeyPart) -> Iterator[tuple[SymmetricKeyAlgorithm, bytes]]:
    for raw, recipient in zip(job.message.session_keys, job.message.recipients, strict=True):
        if recipient != part.key_id:
            continue
        try:
            algorithm, key = Packet(bytearray(raw)).decrypt_sk(part.key._key)  # noqa: SLF001 - PGPy offers no other way to a session key.
        except Exception as error:
            raise damaged(job.message.name) from error
        yield algorithm, bytes(key)


@contextmanager
def _unlocked(part: KeyPart, keys: PgpKeys) -> Iterator[None]:
    if not part.key.is_protected:
        yield
        return
    opened = part.key.unlock(keys.passphrase or "")
    try:
        opened.__enter__()
    except Exception:  # noqa: BLE001 - PGPy raises anything for what it cannot open.
        # Not chained: what PGPy raises here may hold a piece of the key.
        raise wrong_passphrase() from None
    try:
        yield
    finally:
        opened.__exit__(None, None, None)


def _checked(content: Content, verifying: Sequence[KeyPart]) -> tuple[Signature, ...]:
    return tuple(_signature(packet, content.literal, verifying) for packet in content.signatures)


def _signature(packet: bytes, literal: bytes, verifying: Sequence[KeyPart]) -> Signature:
    try:
        signature = pgpy.PGPSignature.from_blob(packet)
        key_id = (signature.signer_fingerprint or signature.signer)[-16:]
    except Exception:  # noqa: BLE001 - a signature of another version, or none.
        return Signature(Verdict.unknown_key, "0" * 16)
    part = next((part for part in verifying if part.key_id == key_id), None)
    if part is None:
        return Signature(Verdict.unknown_key, key_id)
    return Signature(_verdict(signature, literal, part), key_id, part.fingerprint, part.primary_fingerprint)


def _verdict(signature: pgpy.PGPSignature, literal: bytes, part: KeyPart) -> Verdict:
    now = datetime.now(UTC)
    # Other types of signature do not cover the content at all.
    if signature.type not in _DOCUMENTS or signature.hash_algorithm == HashAlgorithm.MD5:
        return Verdict.bad
    if part.is_revoked:
        return Verdict.revoked_key
    if part.expires is not None and part.expires <= now:
        return Verdict.expired_key
    if signature.is_expired:
        return Verdict.expired
    try:
        return Verdict.good if part.key.verify(literal, signature) else Verdict.bad
    except Exception:  # noqa: BLE001 - PGPy raises anything for a changed signature.
        return Verdict.bad
