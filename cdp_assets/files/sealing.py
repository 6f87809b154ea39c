"""What an export goal's files are encrypted to and signed with: every reference resolved, at the last moment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.pgp import PgpKeys, check_keys, encrypt
from cdp_assets.files.secrets import resolve_secret


@dataclass(frozen=True)
class Sealer:
    """Keys as armored text, kept out of `repr` and never pickled."""

    public_keys: tuple[str, ...] = field(repr=False)
    sign_with: PgpKeys | None
    armor: bool
    compress: bool
    """False where the content is packed already."""
    warnings: tuple[str, ...]
    """About keys that end soon."""

    def seal(self, source: Path, target: Path) -> None:
        """Encrypts a file; errors as in `encrypt`."""
        encrypt(source, target, self.public_keys, armor=self.armor, sign_with=self.sign_with, compress=self.compress)

    @property
    def identity(self) -> str:
        """Tells whether two files of the same text were made for the same readers."""
        parts = [*self.public_keys, str(self.armor), str(self.sign_with is not None)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def __reduce__(self) -> NoReturn:
        message = "a Sealer holds secrets and is not pickled; make it where it is used"
        raise TypeError(message)


def is_encrypted(connection: Connection, goal: ExportProfilesGoal) -> bool:
    """Whether a goal's files are encrypted."""
    return goal.pgp.encrypt and bool(goal.pgp.public_keys or (connection.pgp and connection.pgp.public_keys))


def sealer_of(connection: Connection, goal: ExportProfilesGoal) -> Sealer | None:
    """What encrypts a goal's files; None where they stay plain.

    Raises:
        ConfigError: the YAML author must act: a reference leads nowhere, or a key is expired, revoked or of no use.
    """
    if not is_encrypted(connection, goal):
        return None
    references = goal.pgp.public_keys or (connection.pgp.public_keys if connection.pgp else ())
    public_keys = tuple(resolve_secret(reference) for reference in references)
    sign_with = opening_keys(connection.pgp) if goal.pgp.sign else None
    warnings = check_keys(public_keys, sign_with)
    return Sealer(public_keys, sign_with, goal.pgp.armor, not goal.file.gzip, warnings)
