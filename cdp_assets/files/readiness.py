"""Whether a file on the server is complete, by what stands beside it: ready files, manifests, checksums. Pure.

What stands beside a file counts only if it is not older than the file (modification times in whole seconds):
an older one belongs to an earlier delivery under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.files import Files
from cdp_assets.files.checksums import CHECKSUM_ENDINGS, split_line, text_of
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.selection import matches_wildcard, never_taken

MOST_MANIFESTS = 200
"""Manifests read at one look."""
MOST_MANIFEST_BYTES = 1_048_576
"""Of one manifest; a longer one does not count."""
MOST_BYTES_OF_ALL = 16 * MOST_MANIFEST_BYTES

_WRAPPINGS = (".gz", ".zip", ".pgp", ".gpg", ".asc")
_DONE = re.compile(r"(?:\.\d{14}\.[0-9a-f]{8}(?:\.\d+)?)?\.done")
_SHOWN_NAMES = 3

Listing = Mapping[str, RemoteFile]
"""Name → file, for all regular files of a directory."""


@dataclass(frozen=True)
class SenderManifest:
    """The sender's list of the files of one delivery."""

    file: RemoteFile
    names: frozenset[str]
    missing: tuple[str, ...]
    """Names of it that are not on the server."""


@dataclass(frozen=True)
class SenderManifests:
    """All manifests that may tell about the files of a goal."""

    read: tuple[SenderManifest, ...] = ()
    unread: tuple[str, ...] = ()
    """Why others could not be read, in words."""


def sidecar_of(files: Files, name: str) -> str | None:
    """Why a file only tells about others and is never imported itself, in words; None when it does not.

    Decided by the name alone, so what is left behind after an import is not taken for data either.
    """
    ready = files.ready
    if ready.file is not None and _is_ready_file(ready.file, name):
        return f"it is a ready file (ready.file: {ready.file!r})"
    if is_manifest(files, name):
        return f"it is a manifest (ready.manifest: {ready.manifest!r})"
    if ready.checksum != "ignore" and name.endswith(CHECKSUM_ENDINGS):
        return f"it is a checksum file (ready.checksum: {ready.checksum})"
    return None


def is_manifest(files: Files, name: str) -> bool:
    """Whether a name is one of the goal's manifests."""
    pattern = files.ready.manifest
    return pattern is not None and never_taken(name) is None and matches_wildcard(pattern, name)


def checksum_files(name: str, listing: Listing) -> tuple[RemoteFile, ...]:
    """The checksum files of a file that are there, of whatever delivery, the stronger kind first."""
    found = (listing.get(name + ending) for ending in CHECKSUM_ENDINGS)
    return tuple(file for file in found if file is not None)


def ready_file_name(template: str, name: str) -> str:
    """The name of a file's ready file."""
    before, after = _around(template)
    return before + (name if "{name}" in template else _stem(name)) + after


def manifest_names(content: bytes) -> frozenset[str]:
    """The file names in a manifest: one a line, after a checksum if there is one; a path before it is dropped.

    Blank lines and lines that start with `#` are passed over. The checksums are not compared with anything.
    """
    lines = (line.strip() for line in text_of(content).split("\n"))
    names = (split_line(line)[1] for line in lines if line and not line.startswith("#"))
    return frozenset(name for name in names if name)


def standing_names(listing: Iterable[str]) -> frozenset[str]:
    """All names on the server, and the names that files had before they became `.done`.

    A file of a delivery may be imported and renamed while another still waits for the server.
    """
    names = frozenset(listing)
    return names | {_DONE.sub("", name) for name in names if name.endswith(".done")}


def sender_manifest(file: RemoteFile, content: bytes, standing: frozenset[str]) -> SenderManifest:
    """A manifest as it was read, compared with the `standing_names` of its directory."""
    names = manifest_names(content)
    return SenderManifest(file, names, tuple(sorted(names - standing)))


def manifests_to_read(
    files: Files, listing: Listing, oldest: datetime
) -> tuple[tuple[RemoteFile, ...], tuple[str, ...]]:
    """The manifests that can count for files as old as `oldest`, within bounds; and why others are left out.

    Where there are too many, the newest and the oldest are taken in turn: what arrives now is never held up by
    a file that waits for ever, and a backlog is worked off from its beginning.
    """
    found = [file for file in listing.values() if is_manifest(files, file.name) and file.modified_at >= oldest]
    left = [
        f"manifest {shown(file.name)} is longer than {MOST_MANIFEST_BYTES} bytes"
        for file in found
        if file.size_bytes > MOST_MANIFEST_BYTES
    ]
    fitting = sorted(
        (file for file in found if file.size_bytes <= MOST_MANIFEST_BYTES),
        key=lambda file: (file.modified_at, file.name),
    )
    taken: list[RemoteFile] = []
    size = 0
    for file in _from_both_ends(fitting):
        size += file.size_bytes
        if len(taken) == MOST_MANIFESTS or size > MOST_BYTES_OF_ALL:
            told = f"only {len(taken)} of {len(fitting)} manifests are read at one look"
            left.append(f"{told}; remove old ones, or files that will never be complete")
            break
        taken.append(file)
    return tuple(taken), tuple(left)


def why_waiting(
    files: Files, file: RemoteFile, listing: Listing, manifests: SenderManifests, now: datetime
) -> str | None:
    """Why a file is not to be imported yet, in words; None when all that the goal asks for is met."""
    return (
        _too_young(files.ready.min_age_s, file, now)
        or _without_ready_file(files.ready.file, file, listing)
        or _not_delivered(files.ready.manifest, file, manifests)
        or (_without_checksum(file, listing) if files.ready.checksum == "required" else None)
    )


def outdated(kind: str, beside: RemoteFile, file: RemoteFile) -> str | None:
    """Why what stands beside a file does not count, in words; None when it does."""
    if beside.modified_at >= file.modified_at:
        return None
    return (
        f"its {kind} {shown(beside.name)} ({_time(beside)}) is older than the file ({_time(file)}) "
        "and belongs to an earlier delivery"
    )


def _too_young(min_age_s: int, file: RemoteFile, now: datetime) -> str | None:
    age_s = (now - file.modified_at).total_seconds()
    if not min_age_s or age_s >= min_age_s:
        return None
    when = f"{age_s:.0f} s ago" if age_s >= 0 else f"{-age_s:.0f} s ahead of this machine's clock"
    return f"it was modified {when} and must be {min_age_s} s old (ready.min_age_s)"


def _without_ready_file(template: str | None, file: RemoteFile, listing: Listing) -> str | None:
    if template is None:
        return None
    name = ready_file_name(template, file.name)
    beside = listing.get(name)
    return outdated("ready file", beside, file) if beside else f"its ready file {shown(name)} is not there yet"


def _not_delivered(pattern: str | None, file: RemoteFile, manifests: SenderManifests) -> str | None:
    if pattern is None:
        return None
    naming = [manifest for manifest in manifests.read if file.name in manifest.names]
    current = [manifest for manifest in naming if outdated("manifest", manifest.file, file) is None]
    if any(not manifest.missing for manifest in current):
        return None
    if current:
        return _incomplete(_newest(current))
    if naming:
        return outdated("manifest", _newest(naming).file, file)
    return "; ".join([f"no manifest ({pattern}) names it yet", *manifests.unread])


def _newest(manifests: Sequence[SenderManifest]) -> SenderManifest:
    return max(manifests, key=lambda manifest: (manifest.file.modified_at, manifest.file.name))


def _incomplete(manifest: SenderManifest) -> str:
    missing = manifest.missing
    names = ", ".join(shown(name) for name in missing[:_SHOWN_NAMES])
    more = f" and {len(missing) - _SHOWN_NAMES} more" if len(missing) > _SHOWN_NAMES else ""
    return f"its manifest {shown(manifest.file.name)} also names {names}{more}, not on the server yet"


def _without_checksum(file: RemoteFile, listing: Listing) -> str | None:
    found = checksum_files(file.name, listing)
    reasons = [outdated("checksum file", beside, file) for beside in found]
    if None in reasons:
        return None
    wanted = " or ".join(shown(file.name + ending) for ending in CHECKSUM_ENDINGS)
    return reasons[0] if reasons else f"its checksum file {wanted} is not there yet"


def _is_ready_file(template: str, name: str) -> bool:
    before, after = _around(template)
    return name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)


def _around(template: str) -> tuple[str, str]:
    before, after = re.split(r"[{]\w+[}]", template)
    return before, after


def _stem(name: str) -> str:
    """`x` of `x.csv.gz`: without what tells how it is wrapped, then without its last extension."""
    while name.endswith(_WRAPPINGS):
        name = name.rpartition(".")[0]
    return name.rpartition(".")[0] or name


def _from_both_ends(files: Sequence[RemoteFile]) -> Iterable[RemoteFile]:
    for number in range(len(files)):
        yield files[number // 2] if number % 2 else files[-1 - number // 2]


def _time(file: RemoteFile) -> str:
    return f"{file.modified_at:%Y-%m-%d %H:%M:%S} UTC"
