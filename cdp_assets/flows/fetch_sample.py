"""Gets as much of a file set as is needed to look at it: the beginning of a large file, the whole of a small one.

Everything stands in a staging folder of the caller, the plaintext of encrypted files too. Nothing is written
anywhere else, neither here nor on the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.files.beginnings import BEGINNING_BYTES, MOST_TEXT_BYTES, text_of_beginning, unwrap_beginning
from cdp_assets.files.encoding import doubt_about, to_utf8
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.files.unwrap import Unwrapped, unwrap
from cdp_assets.flows.check_ready import verify_received
from cdp_assets.flows.file_sets import LinkedPart
from cdp_assets.flows.folders import make_private
from cdp_assets.flows.origins import received_name

MOST_BYTES = 64 << 20
"""The largest file that is downloaded whole, where its beginning alone is of no use."""


@dataclass(frozen=True)
class FileSample:
    """One file of a set, or its beginning."""

    alias: str
    """Empty = the root file."""
    name: str
    text: Path
    """What was read of it, in UTF-8, whole rows."""
    size_bytes: int
    """On the server."""
    read_bytes: int
    """Downloaded."""
    layers: tuple[str, ...]
    """What was taken off, outermost first: `pgp`, `gzip`, `zip`."""
    warnings: tuple[str, ...] = ()
    cut: bool = False
    """Whether the text is only the beginning of what was downloaded and proven."""

    @property
    def whole(self) -> bool:
        """Whether all its rows are there, and proven as at an import."""
        return self.read_bytes == self.size_bytes and not self.cut

    @property
    def note(self) -> str:
        """What the reader of a preview must know about it; empty = it is whole."""
        if self.whole:
            return ""
        if self.cut:
            return f"beginning only (the first {in_words(MOST_TEXT_BYTES)} of its text)"
        pgp = "; integrity and signature not checked yet" if "pgp" in self.layers else ""
        rest = pgp or ("; integrity not checked yet" if self.layers else "")
        return f"beginning only ({in_words(self.read_bytes)} of {in_words(self.size_bytes)}){rest}"


def fetch_sample(
    config: BatchConfig,
    part: LinkedPart,
    server: SftpFileSystem,
    staging: Path,
    keys: PgpKeys | None,
    *,
    whole_up_to: int = BEGINNING_BYTES,
) -> FileSample:
    """Downloads a file, or where it is larger than `whole_up_to` its beginning, and opens it.

    Raises:
        FileError: the supplier must act, or the file is too large and its beginning says nothing.
        ConfigError: our PGP key or passphrase does not fit.
        RemoteError: the server's operator must act, or nobody yet.
    """
    file, name = part.file, shown(part.file.name)
    received, folder = staging / received_name(part.alias), make_private(staging / f"opened_{part.alias}")
    layout = config.goal.format
    if file.size_bytes > whole_up_to:
        received.write_bytes(server.read_prefix(file, BEGINNING_BYTES))
        opened = unwrap_beginning(received, folder, pgp=keys, name=name)
        if opened is not None:
            text = text_of_beginning(opened.path, folder, layout)
            doubts = _doubts(opened, layout)
            return FileSample(part.alias, file.name, text, file.size_bytes, BEGINNING_BYTES, opened.layers, doubts)
        if file.size_bytes > MOST_BYTES:
            message = (
                f"{name} has {in_words(file.size_bytes)}, and its beginning alone cannot be opened (zip, or PGP"
                f" without GnuPG on this machine); files up to {in_words(MOST_BYTES)} are fetched whole to be looked at"
            )
            raise FileError(message)
        received.unlink()
    whole = _whole(config, part, server, received, folder, keys)
    # Linked files are needed whole: any of their rows may belong to the first rows of the root file.
    cut = not part.alias and whole.path.stat().st_size > MOST_TEXT_BYTES
    if cut:
        text = text_of_beginning(whole.path, folder, layout)
    else:
        text = to_utf8(whole.path, folder / "text", layout.encoding)
    size = file.size_bytes
    warnings = (*whole.warnings, *_doubts(whole, layout))
    return FileSample(part.alias, file.name, text, size, size, whole.layers, warnings, cut)


def _doubts(opened: Unwrapped, layout: Format) -> tuple[str, ...]:
    """As at a landing, of what was opened."""
    doubt = doubt_about(opened.path, layout.encoding)
    return (doubt,) if doubt else ()


def _whole(
    config: BatchConfig,
    part: LinkedPart,
    server: SftpFileSystem,
    received: Path,
    folder: Path,
    keys: PgpKeys | None,
) -> Unwrapped:
    """As at a landing: verified against the sender's checksum, if there is one, and unwrapped whole."""
    server.fetch(part.file, received)
    if not part.static:
        verify_received(server, config.goal.files, part.file, received)
    return unwrap(received, folder, pgp=keys, limits=Limits(), name=shown(part.file.name))


def in_words(size: int) -> str:
    """A size for people: `3.2 MiB`."""
    value, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
