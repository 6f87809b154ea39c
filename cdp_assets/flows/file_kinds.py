"""Kinds of files in a folder: names that differ by dates, numbers, or whether they are gzipped. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_assets.config.files import Files
from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.selection import matches_wildcard
from cdp_assets.flows.plain_letters import plain_letters

_DATE_IN_NAME = re.compile(r"\d{4,}(?:[-_T.]?\d{2,})*")
_NOT_FOR_US = re.compile(r"^\.|\.(?:done|part|tmp|filepart)$")
_NUMBER = re.compile(r"\d+")
_GZ = ".gz"
_CHANGES = re.compile(
    r"(?:^|[^a-z])(?:deltas?|diffs?|changes?|changed|incr|incremental|updates?|aenderung(?:en)?|wijziging(?:en)?"
    r"|mutaties?|modifs?|modifications?|cambios|novedades|modifiche|variazioni|alteracoes)(?:[^a-z]|$)"
)
"""Words in names of files that hold only what has changed."""


@dataclass(frozen=True)
class FileKind:
    """Files that one goal can take."""

    pattern: str
    """Their name, with `*` for what differs."""
    newest: RemoteFile
    gzipped_too: bool = False
    """Whether some of them have `.gz` behind the name."""
    names: tuple[str, ...] = ()
    """Of all that are there."""
    numbers_only: bool = False
    """Whether its pattern takes files of another kind too, unless `*` stands for dates and numbers alone."""
    empty: tuple[str, ...] = ()
    """Names of those without a single byte."""

    def is_meant_by(self, wanted: str) -> bool:
        """Whether a name with `*` and `?` asks for this kind; an empty one asks for all."""
        return not wanted or wanted in {self.pattern, self.pattern + _GZ} or matches_wildcard(wanted, self.pattern)

    def files(self, directory: str) -> Files:
        """How a goal names them, as deltas where their name says so."""
        delta = _CHANGES.search(plain_letters(self.pattern).lower()) is not None
        if not (self.gzipped_too or self.numbers_only):
            return Files(directory=directory, root=self.pattern, delta=delta)
        group = r"(\d[\d_T.-]*)" if self.numbers_only else "(.*)"
        root = group.join(re.escape(part).replace(r"\-", "-") for part in self.pattern.split("*"))
        packed = r"(?:\.gz)?" if self.gzipped_too else ""
        return Files(directory=directory, root=f"{root}{packed}", match="regex", delta=delta)

    @property
    def goal_name(self) -> str:
        """A name for the goal that takes them."""
        return _as_name(self.pattern.partition(".")[0])


def file_kinds(files: Sequence[RemoteFile]) -> list[FileKind]:
    """The kinds, each with its newest file that holds something, in order of names."""
    kinds: dict[str, FileKind] = {}
    for file in sorted(files, key=_telling):
        if not _NOT_FOR_US.search(file.name):
            pattern = _DATE_IN_NAME.sub("*", file.name)
            earlier = kinds.get(pattern, FileKind(pattern, file))
            empty = (*earlier.empty, *([] if file.size_bytes else [file.name]))
            kinds[pattern] = FileKind(pattern, file, names=(*earlier.names, file.name), empty=empty)
    for pattern in [one for one in kinds if one.endswith(_GZ) and one.removesuffix(_GZ) in kinds]:
        gzipped, plain = kinds.pop(pattern), kinds[pattern.removesuffix(_GZ)]
        newest = max(gzipped.newest, plain.newest, key=_telling)
        names, empty = (*plain.names, *gzipped.names), (*plain.empty, *gzipped.empty)
        kinds[plain.pattern] = replace(plain, newest=newest, gzipped_too=True, names=names, empty=empty)
    _join_numbered(kinds)
    return [_apart(kinds[pattern], kinds.values()) for pattern in sorted(kinds)]


def _telling(file: RemoteFile) -> tuple[bool, datetime, str]:
    """The larger, the more a file tells of those of its kind that come: what it holds, and what is newest."""
    return file.size_bytes > 0, file.modified_at, file.name


def _apart(kind: FileKind, kinds: Iterable[FileKind]) -> FileKind:
    """The kind, which takes no file of another one: `clients_*.csv` takes `clients_changes_20261101.csv` as well."""
    others = (name.removesuffix(_GZ) for other in kinds if other is not kind for name in other.names)
    takes = any(matches_wildcard(kind.pattern.removesuffix(_GZ), name) for name in others)
    return replace(kind, numbers_only=takes)


def _join_numbered(kinds: dict[str, FileKind]) -> None:
    """Makes one kind of files whose whole names differ in one number only, such as that of a week."""
    alike: dict[str, list[str]] = {}
    for pattern in [one for one in kinds if "*" not in one]:
        alike.setdefault(_NUMBER.sub("*", pattern), []).append(pattern)
    for patterns in alike.values():
        texts = _NUMBER.split(patterns[0])
        numbers = list(zip(*map(_NUMBER.findall, patterns), strict=True))
        differing = [place for place, found in enumerate(numbers) if len(set(found)) > 1]
        if len(differing) != 1:
            continue
        shown = ["*" if place in differing else found[0] for place, found in enumerate(numbers)]
        whole = "".join(text + number for text, number in zip(texts, [*shown, ""], strict=True))
        ordered = sorted((kinds.pop(one) for one in patterns), key=lambda one: _telling(one.newest))
        names = tuple(name for one in ordered for name in one.names)
        empty = tuple(name for one in ordered for name in one.empty)
        gzipped = any(one.gzipped_too for one in ordered)
        kinds[whole] = FileKind(whole, ordered[-1].newest, gzipped, names, empty=empty)


def free_name(kind: FileKind, taken: Sequence[str]) -> str:
    """A name for its goal that no other goal of the connection has."""
    whole = _as_name(kind.pattern)
    numbered = (f"{whole[:59]}_{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (kind.goal_name, whole, *numbered) if one not in taken)


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", plain_letters(text).lower()).strip("_").lstrip("0123456789_")[:63] or "customers"
