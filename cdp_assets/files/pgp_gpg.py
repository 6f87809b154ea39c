"""GnuPG as an engine: streams files of any size in a few megabytes of memory.

What gpg says in its status lines decides, together with its exit code: it writes plaintext before it knows
whether the message is sound, and calls a message decrypted of which it could not write all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cdp_assets.errors import ConfigError, FileError, LocalDiskError
from cdp_assets.files.gpg_process import GpgHome, Report, can_die_with_us, gpg_home
from cdp_assets.files.limits import CHUNK_BYTES
from cdp_assets.files.pgp_keys import key_blocks, key_ids
from cdp_assets.files.pgp_message import AEAD
from cdp_assets.files.pgp_types import Sealing, Signature, Unlocking, Verdict, damaged, refuse_failed, wrong_passphrase

_VERDICTS = {
    "GOODSIG": Verdict.good,
    "BADSIG": Verdict.bad,
    "ERRSIG": Verdict.unknown_key,
    "EXPSIG": Verdict.expired,
    "EXPKEYSIG": Verdict.expired_key,
    "REVKEYSIG": Verdict.revoked_key,
}


class GpgEngine:
    """Opens and makes messages with the `gpg` of this machine (2.2 or later)."""

    name = "gpg"

    def decrypt(self, job: Unlocking, output: Path) -> tuple[Signature, ...]:
        """Streams the message through gpg; as in `Engine`."""
        message, limits = job.message, job.limits
        with gpg_home(output.parent) as home:
            _import(home, job.keys.private_key, "pgp.private_key")
            for key in job.keys.verification_keys if job.verifying else ():
                _import(home, key, "pgp.verification_keys")
            arguments = ["--max-output", str(limits.ceiling(message.size_bytes)), "--output", str(output), "--decrypt"]
            if not job.verifying:
                arguments.insert(0, "--skip-verify")
            verbatim = message.verbatim if can_die_with_us() else None
            if verbatim is not None:
                message.skim(verbatim)
            source = Path(verbatim.name) if verbatim is not None else None
            output.unlink(missing_ok=True)  # see `appearing`; gpg makes it anew, for us alone
            feed = _as_received(job) if source is None else ()
            report = home.run(arguments, feed, job.keys.passphrase, message.size_bytes, source)
        _raise_for_us(report, output)
        if "--max-output" in report.complaint:
            raise limits.refusal(message.name, message.size_bytes)
        signatures = _signatures(report)
        # First: gpg stops at a signature that fails, before it says anything about integrity.
        refuse_failed(signatures, message.name)
        if report.code == 0 and _is_proven(report, has_mdc=message.encrypted.tag != AEAD):
            return signatures
        if message.has_hidden_recipient and not report.count("DECRYPTION_INFO"):
            raise FileError(
                f"{message.name} is encrypted to a hidden recipient, which none of our keys is "
                f"({key_ids(job.parts)}); the supplier must encrypt to our public key"
            )
        raise damaged(message.name)

    def decrypt_beginning(self, job: Unlocking, output: Path, most_bytes: int) -> None:
        """Writes what the beginning of a message gives; nothing of it is proven, and its end means nothing.

        Raises:
            ConfigError: our key or passphrase does not fit.
        """
        with gpg_home(output.parent) as home:
            _import(home, job.keys.private_key, "pgp.private_key")
            arguments = ["--skip-verify", "--max-output", str(most_bytes), "--output", str(output), "--decrypt"]
            report = home.run(arguments, _as_far_as_it_goes(job), job.keys.passphrase, job.message.size_bytes)
        _raise_for_us(report, output)

    def encrypt(self, job: Sealing, output: Path) -> None:
        """Streams the file through gpg; as in `Engine`."""
        arguments = ["--output", str(output), "--encrypt"]
        if not job.compress:
            arguments = ["--compress-algo", "none", *arguments]
        for part in job.recipients:
            # The exclamation mark makes gpg take this very part, not the one it likes best.
            arguments += ["--recipient", f"{part.fingerprint}!"]
        passphrase = None
        with gpg_home(output.parent) as home, job.source.open("rb") as file:
            for key in job.public_keys:
                _import(home, key, "pgp.public_keys")
            if job.sign_with is not None and job.signing is not None:
                _import(home, job.sign_with.private_key, "pgp.private_key")
                arguments += ["--sign", "--local-user", f"{job.signing.fingerprint}!"]
                passphrase = job.sign_with.passphrase
            arguments = ["--armor", *arguments] if job.armor else arguments
            output.unlink(missing_ok=True)
            report = home.run(arguments, _chunks(file), passphrase, job.source.stat().st_size)
        _raise_for_us(report, output)
        if report.code != 0 or not report.count("END_ENCRYPTION"):
            raise ConfigError(f"{job.name} could not be encrypted: {report.last_complaint}")


def _is_proven(report: Report, *, has_mdc: bool) -> bool:
    """Whether gpg vouches for the content: decrypted, whole, unchanged, and only one content."""
    return (
        report.count("DECRYPTION_OKAY") == 1
        and report.count("PLAINTEXT") == 1
        and report.count("DECRYPTION_FAILED") == report.count("BADMDC") == 0
        and (report.count("GOODMDC") == 1 or not has_mdc)
    )


def _signatures(report: Report) -> tuple[Signature, ...]:
    found: list[Signature] = []
    for keyword, *words in report.status:
        if keyword in _VERDICTS and words:
            found.append(Signature(_VERDICTS[keyword], words[0][-16:]))
        elif keyword == "VALIDSIG" and found:
            # Follows the verdict of the same signature, and says nothing about expiry or revocation.
            found[-1] = Signature(found[-1].verdict, found[-1].key_id, words[0], words[-1])
    return tuple(found)


def _as_received(job: Unlocking) -> Iterator[bytes]:
    yield from job.message.session_keys
    for framing, piece in job.message.pieces():
        yield framing
        yield piece


def _as_far_as_it_goes(job: Unlocking) -> Iterator[bytes]:
    with suppress(FileError):
        yield from _as_received(job)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _import(home: GpgHome, text: str, what: str) -> None:
    for _, block in key_blocks(text, what):
        report = home.run(["--import"], [block], None)
        if not report.count("IMPORT_OK"):
            raise ConfigError(f"{what} cannot be read by gpg: {report.last_complaint}")


def _raise_for_us(report: Report, output: Path) -> None:
    """Raises for what has nothing to do with the file: our passphrase, our disk."""
    if report.has_wrong_passphrase():
        raise wrong_passphrase()
    if "No space left on device" in report.complaint or "Disk quota exceeded" in report.complaint:
        raise LocalDiskError(f"could not write {output}: No space left on device")
