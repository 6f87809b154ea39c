"""The rejected rows of a batch as a file for their sender: in the dialect and encoding they came in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cdp_assets.errors import FileError
from cdp_assets.files.delimited import read_header
from cdp_assets.files.encoding import from_utf8, to_utf8
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import shown
from cdp_assets.files.unwrap import unwrap
from cdp_assets.flows.keep_rejected import REJECTED_ROWS, SourceText, find_event_lines, keep_rejected
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.origins import RECEIVED, why_not_kept
from cdp_assets.sql.landing import parquet_rows
from cdp_assets.sql.left_out import LEFT_OUT_LINES, MAKE_LEFT_OUT
from cdp_assets.sql.returning import MAKE_EVENT_LINES
from cdp_assets.warehouse import scratch

LeftOut = tuple[int, int, str]
"""Number of a row in its batch, its line in the file, and why it was left out."""


def write_rejected(
    manifest: Manifest, folder: Path, target: Path, staging: Path, *, cells: bool = False, keys: PgpKeys | None = None
) -> None:
    """Writes the rejected rows of a batch, and those of its rejected events, to `target`; the same bytes each time.

    Args:
        manifest: of the batch.
        folder: where the batch stands.
        target: the file; one that stands there is replaced.
        staging: a private folder for files under way.
        cells: also rows that were applied without some of their cells; read from the file as received.
        keys: what opens it, where it came encrypted.

    Raises:
        FileError: the file as received is needed and was not kept.
        ConfigError: our PGP key or passphrase does not fit.
    """
    kept, encoding = folder / REJECTED_ROWS, manifest.config.goal.format.encoding
    if needs_received(folder, cells=cells):
        with TemporaryDirectory(dir=staging) as opened:
            made = _from_received(manifest, folder, Path(opened), keys, cells=cells)
            from_utf8(made, target, encoding)
    else:
        from_utf8(kept, target, encoding)


def write_left_out(
    manifest: Manifest,
    folder: Path,
    target: Path,
    staging: Path,
    rows: Sequence[LeftOut],
    *,
    keys: PgpKeys | None = None,
) -> None:
    """As `write_rejected`, the rows of a batch that were left out, with why. They are read from the file as received.

    Args:
        manifest: of the batch.
        folder: where the batch stands.
        target: the file; one that stands there is replaced.
        staging: a private folder for files under way.
        rows: number, line and reason of each.
        keys: what opens the file as received, where it came encrypted.

    Raises:
        FileError: it was not kept.
        ConfigError: our PGP key or passphrase does not fit.
    """
    with TemporaryDirectory(dir=staging) as opened, scratch(temporary=Path(opened) / "spill") as engine:
        text = _text_received(manifest, folder, Path(opened), keys, "rows that were left out")
        engine.run(MAKE_EVENT_LINES)
        engine.run(MAKE_LEFT_OUT)
        engine.insert(LEFT_OUT_LINES, ["row_no", "line_no", "reason"], [list(row) for row in rows])
        made = Path(opened) / REJECTED_ROWS
        keep_rejected(engine, LEFT_OUT_LINES, text, made, Path(opened))
        from_utf8(made, target, manifest.config.goal.format.encoding)


def needs_received(folder: Path, *, cells: bool) -> bool:
    """Whether the file as received is read for it: kept are rejected rows only, by earlier releases not even these."""
    return cells or not (folder / REJECTED_ROWS).exists()


def _from_received(manifest: Manifest, folder: Path, staging: Path, keys: PgpKeys | None, *, cells: bool) -> Path:
    text = _text_received(manifest, folder, staging, keys, "rows with rejected cells" if cells else "its rejected rows")
    with scratch(temporary=staging / "spill") as engine:
        find_event_lines(engine, manifest.config, folder, manifest.header_lines)
        rejects = parquet_rows([str(folder / "rejects.parquet")], numbered=False)
        keep_rejected(engine, rejects, text, staging / REJECTED_ROWS, staging, cells=cells)
    return staging / REJECTED_ROWS


def _text_received(manifest: Manifest, folder: Path, staging: Path, keys: PgpKeys | None, what: str) -> SourceText:
    """The text of the file as received, in UTF-8. `what`: that is wanted of it, for the error."""
    received, layout = folder / RECEIVED, manifest.config.goal.format
    if not received.exists():
        message = (
            f"{shown(manifest.name)}: {what} cannot be given, as they are read from the file: {why_not_kept(manifest)}"
        )
        raise FileError(message)
    pgp = keys if "pgp" in manifest.layers else None
    opened = unwrap(received, staging, pgp=pgp, limits=Limits(), name=shown(manifest.name))
    text = to_utf8(opened.path, staging / "text", layout.encoding)
    return SourceText(text, read_header(text, layout), layout)
