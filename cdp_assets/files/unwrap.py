"""From a file as received to the delimited text in it: decrypted first, then unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdp_assets.errors import FileError
from cdp_assets.files.compression import Kind, decompress
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt, is_pgp_message

MOST_PACKINGS = 3
"""How often one file may be packed: a zip that holds a `.gz` is read, a nest of them is an attack."""


@dataclass(frozen=True)
class Unwrapped:
    """A file that is ready to be read."""

    path: Path
    """The received file itself where nothing was wrapped around the text, else a new file in the given folder."""
    layers: tuple[str, ...]
    """What was taken off, outermost first: `pgp`, `gzip`, `zip`."""
    signers: tuple[str, ...]
    """Fingerprints of those whose signature was required and is valid."""
    warnings: tuple[str, ...]


def unwrap(received: Path, folder: Path, *, pgp: PgpKeys | None, limits: Limits, name: str = "") -> Unwrapped:
    """Takes off every layer around a received file, which stays as it is.

    `folder` must be private to the caller: it holds plaintext, and while a layer comes off also what is not yet
    proven. After an error nothing new is in it. `name` is what messages call the file. A second run replaces the
    first one's files.

    Raises:
        FileError: the supplier must act; also where a PGP key is configured and the file is not encrypted, or
            none is and it is.
        ConfigError: our PGP key or passphrase does not fit.
        LocalDiskError: this machine cannot read or write the files.
    """
    shown = name or received.name
    path, layers = received, []
    signers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    try:
        if pgp is not None:
            path = folder / "unwrapped_0"
            opened = decrypt(received, path, pgp, limits, name=shown)
            layers, signers, warnings = ["pgp"], opened.signers, opened.warnings
        _refuse_pgp(path, layers, shown)
        for number in range(1, MOST_PACKINGS + 2):
            inner = folder / f"unwrapped_{number}"
            kind = decompress(path, inner, limits, name=shown)
            if kind is Kind.plain:
                break
            _drop(path, received)
            path = inner
            layers.append(kind.value)
            _refuse_pgp(path, layers, shown)
        else:
            raise FileError(f"{shown} is packed more than {MOST_PACKINGS} times ({', '.join(layers)}); pack it once")
    except BaseException:
        _drop(path, received)
        raise
    return Unwrapped(path, tuple(layers), signers, warnings)


def _refuse_pgp(path: Path, layers: list[str], name: str) -> None:
    """A message that is found where none is expected is named, rather than read as strange text."""
    if not is_pgp_message(path):
        return
    if not layers:
        raise FileError(f"{name} is PGP encrypted, but this connection has no PGP key; give pgp.private_key")
    raise FileError(f"{name} is PGP encrypted inside {layers[-1]}; accepted is one PGP layer, outermost")


def _drop(path: Path, received: Path) -> None:
    if path != received:
        path.unlink(missing_ok=True)
