"""What is about to be landed, wherever its bytes come from: a server, or the copy kept beside a batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.errors import FileError
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import RemoteFile
from cdp_assets.flows.file_sets import LinkedPart
from cdp_assets.flows.folders import digest
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.take_look import Candidate

RECEIVED = "received"
"""Name of the file as it came, kept beside its batch."""


def received_name(alias: str = "") -> str:
    """Name of a file as it came, kept beside its batch: of a linked file, or of the root."""
    return f"{RECEIVED}_{alias}" if alias else RECEIVED


def why_not_kept(manifest: Manifest) -> str:
    """Why a batch whose file as it came is not beside it has none."""
    if not manifest.config.goal.files.keep_received:
        return "the file as received was not kept (keep_received: false)"
    if manifest.rows_erased:
        whose = counted(manifest.rows_erased, "row")
        return f"the file as received was removed, as it held {whose} of people who are erased"
    return "the file as received is gone: an erasure removed it, for a rejected row of the person, or somebody did"


@dataclass(frozen=True)
class Origin:
    """A file to be landed, wherever its bytes come from."""

    goal_id: str
    candidate: Candidate
    sha256: str
    """Of the root file."""
    received: Path
    """The root file. Linked files stand beside it, each under `received_name` of its alias."""
    linked_sha256: tuple[str, ...] = ()
    """Of the linked files, in the candidate's order."""
    keys: PgpKeys | None = None
    """What opens the files, where they must be encrypted."""
    current: Manifest | None = None
    """The batch of this very version that is landed anew; None = the version may be new."""

    @property
    def version_id(self) -> str:
        """Digest of all that makes the version: goal, and place, size, time and content of every file."""
        if self.current is not None:
            return self.current.version_id
        told: list[str | int] = [self.sha256]
        for part, sha256 in self._versioned():
            told += [part.alias, part.file.path, part.file.size_bytes, int(part.file.modified_at.timestamp()), sha256]
        file = self.candidate.file
        return digest(self.goal_id, file.path, file.size_bytes, int(file.modified_at.timestamp()), *told)

    @property
    def set_sha256(self) -> str:
        """Content of the set: equal for two deliveries of the same bytes."""
        if self.current is not None:
            return self.current.sha256
        told = [text for part, sha256 in self._versioned() for text in (part.alias, sha256)]
        return digest(self.sha256, *told) if told else self.sha256

    def _versioned(self) -> list[tuple[LinkedPart, str]]:
        pairs = zip(self.candidate.linked, self.linked_sha256, strict=True)
        return [(part, sha256) for part, sha256 in pairs if not part.static]


def kept_origin(config: BatchConfig, current: Manifest, staging: Path, keys: PgpKeys | None) -> Origin:
    """The files of a batch as they came. A linked file that the goal reads only since then was not kept.

    Raises:
        FileError: the goal links a file now that the batch was landed without.
    """
    parts = {part.alias: part for part in current.parts}
    for link in config.goal.files.linked:
        if link.name not in parts:
            message = f"{current.name} was landed without a linked file {link.name!r}, so it cannot be imported anew"
            raise FileError(message)
    wanted = [parts[link.name] for link in config.goal.files.linked]
    linked = tuple(
        LinkedPart(part.alias, RemoteFile(part.path, part.name, part.size_bytes, part.modified_at), part.static)
        for part in wanted
    )
    candidate = Candidate(
        config.goal.name, current.partition_key, remote_file(current), current.seen_id, current.look_at, True, linked
    )
    sums = tuple(part.sha256 for part in wanted)
    received = staging / RECEIVED
    return Origin(config.goal_id, candidate, current.root_sha256, received, sums, keys=keys, current=current)


def remote_file(manifest: Manifest) -> RemoteFile:
    """The file a batch came from, as the server listed it."""
    return RemoteFile(manifest.path, manifest.name, manifest.size_bytes, manifest.modified_at)
