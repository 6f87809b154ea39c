"""PGP settings of a connection: what opens received files, and what sent files are encrypted to."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from cdp_assets.config.base import SecretRef, Strict

_FINGERPRINT_DIGITS = 40


def _fingerprint(text: str) -> str:
    plain = text.replace(" ", "").upper().removeprefix("0X")
    if len(plain) != _FINGERPRINT_DIGITS or not set(plain) <= set("0123456789ABCDEF"):
        message = (
            f"a fingerprint has {_FINGERPRINT_DIGITS} hexadecimal digits, as `gpg --fingerprint` shows it; got {text}"
        )
        raise ValueError(message)
    return plain


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
"""The whole fingerprint of a key, upper case without spaces; key ids are too short to trust."""


class Pgp(Strict):
    """Keys as armored text, each as a reference."""

    private_key: SecretRef | None = None
    """Our private key. Where it is given, every imported file must be encrypted to it."""
    passphrase: SecretRef | None = None
    """Opens the private key."""
    public_keys: tuple[SecretRef, ...] = ()
    """Exported files are encrypted to every one of these; none = exports are not encrypted."""
    require_signature: bool = False
    """Refuse imported files that are not validly signed; without it signatures are not looked at."""
    signers: tuple[Fingerprint, ...] = ()
    """Accept only signatures by these keys; none = by any of `verification_keys`."""
    verification_keys: tuple[SecretRef, ...] = ()
    """Public keys of those who sign imported files."""

    @model_validator(mode="after")
    def _complete(self) -> Pgp:
        if self.private_key is None and not self.public_keys:
            message = "give private_key (to read encrypted files), public_keys (to encrypt exports) or both"
            raise ValueError(message)
        if self.passphrase is not None and self.private_key is None:
            message = "passphrase opens private_key, which is missing"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _signatures_make_sense(self) -> Pgp:
        if self.require_signature and (self.private_key is None or not self.verification_keys):
            message = "require_signature needs private_key and verification_keys"
            raise ValueError(message)
        if not self.require_signature and (self.signers or self.verification_keys):
            message = "signers and verification_keys are used only with require_signature: true"
            raise ValueError(message)
        return self
