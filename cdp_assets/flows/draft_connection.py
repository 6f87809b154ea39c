"""Drafts the goals of a new connection from what stands on its server: which files, how laid out, what finds people.

A draft is for its author to read and change; nothing is written here, neither on the server nor anywhere else.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.files import Files, Format
from cdp_assets.config.goals import Identifier, ImportProfilesGoal, Mapping
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import RESERVED_COLUMNS, Property, PropertyType
from cdp_assets.errors import FileError
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.preview_files import Asked, preview_goals
from cdp_assets.flows.propose_mappings import Proposal, propose_mappings, valid_name

_LOOKED_AT = 256 << 10
"""Bytes that tell how a file is laid out."""
_DATE_IN_NAME = re.compile(r"\d{4,}(?:[-_T.]?\d{2,})*")
_GZIP = b"\x1f\x8b"
_NOT_FOR_US = re.compile(r"^\.|\.(?:done|part|tmp|filepart)$")
_KEY_NAMES = re.compile(r"(?:^|[^a-z])(?:id|key|nr|no|num|number|code)$|(?:id|nr|number|nummer)$", re.IGNORECASE)
_GROUPED = r"\d{1,3}(?:%s\d{3})*%s\d+|\d+%s\d+"


@dataclass(frozen=True)
class GoalDraft:
    """One goal as it could be, and what it needs of the customer model."""

    goal: ImportProfilesGoal
    file: str
    """The file that was looked into."""
    proposal: Proposal
    why: str
    """Why its identifier was chosen."""


def name_patterns(files: Sequence[RemoteFile]) -> dict[str, RemoteFile]:
    """Names with `*` for what looks like a date or a number, each with its newest file; in order of names."""
    newest: dict[str, RemoteFile] = {}
    for file in sorted(files, key=lambda one: (one.modified_at, one.name)):
        if not _NOT_FOR_US.search(file.name):
            newest[_DATE_IN_NAME.sub("*", file.name)] = file
    return dict(sorted(newest.items()))


def draft_goal(
    deployment: Deployment,
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    chosen: tuple[str, str, RemoteFile],
    identifier: str = "",
) -> GoalDraft:
    """The goal for the files of a pattern. `chosen`: directory, pattern, and the file to look into.

    Raises:
        FileError: the file tells no columns, or none that could find a person; or there is no such column.
    """
    directory, pattern, file = chosen
    layout = guess_format(_beginning(server, file))
    first = ImportProfilesGoal(
        type="import_profiles",
        name=_goal_name(pattern),
        files=Files(directory=directory, root=pattern),
        format=layout,
        identifiers=(Identifier(column="?", property="draft"),),
        mappings=(Mapping(column="?", property="draft"),),
        allow_create=True,
    )
    model = deployment.model.with_properties("", (Property(name="draft"),))
    draft = deployment.model_copy(update={"model": model})
    looking = connection.model_copy(update={"goals": (first,)})
    asked = Asked(shown(file.name), 1)
    _, previews = preview_goals(draft, looking, [first], server, folders, now, asked)
    seen = previews[0].seen
    if seen is None or not seen.columns:
        raise FileError(f"{shown(file.name)}: {previews[0].problem or 'no columns were found'}")
    column, why = _identifier(seen.columns, identifier, shown(file.name))
    found, new = _identifying_property(column, deployment.model)
    goal = first.model_copy(update={"identifiers": (Identifier(column=column.name, property=found),), "mappings": ()})
    rest = replace(seen, unmapped=tuple(one.name for one in seen.columns if one.name != column.name))
    proposal = propose_mappings(goal, deployment.model.with_properties("", new), rest)
    # What finds a profile need not be mapped, but a goal has at least one mapping.
    own = Mapping(column=column.name, property=found)
    goal = goal.model_copy(update={"mappings": (own, *proposal.mappings)})
    return GoalDraft(goal, file.name, replace(proposal, properties=(*new, *proposal.properties)), why)


def guess_format(content: bytes) -> Format:
    """How the text is laid out: encoding, separator, decimal sign. What cannot be told is as if left out."""
    encoding = _encoding(content)
    lines = content.decode(encoding, "replace").lstrip("\ufeff").splitlines()[:200]
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    counts = {sign: bare[0].count(sign) if bare else 0 for sign in (",", ";", "\t", "|")}
    separator = max(counts, key=lambda sign: counts[sign])
    cells = [cell.strip(' "') for line in lines[1:] for cell in line.split(separator)]
    with_comma = sum(re.fullmatch(_GROUPED % (r"\.", ",", ","), cell) is not None for cell in cells)
    with_point = sum(re.fullmatch(_GROUPED % (",", r"\.", r"\."), cell) is not None for cell in cells)
    multi_value = ";" if separator == "|" else "|"
    decimal = "," if separator != "," and with_comma > with_point else "."
    return Format(separator=separator, decimal=decimal, encoding=encoding, multi_value=multi_value)


def _encoding(content: bytes) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    try:
        # The beginning may end in the middle of a sign.
        content[: content.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def _beginning(server: SftpFileSystem, file: RemoteFile) -> bytes:
    content = server.read_prefix(file, min(_LOOKED_AT, file.size_bytes))
    if content.startswith(_GZIP):
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(content, _LOOKED_AT)
    return content


def _identifier(columns: Sequence[ColumnProfile], wanted: str, file: str) -> tuple[ColumnProfile, str]:
    """The column that finds people: the one asked for, else an address, else a key that differs in every row."""
    if wanted:
        asked = next((one for one in columns if one.name == wanted), None)
        if asked is None:
            raise FileError(f"{file} has no column {wanted!r}; it has: {', '.join(one.name for one in columns)}")
        return asked, "asked for"
    single = [one for one in columns if one.filled and not one.detected.multiple]
    address = next((one for one in single if one.detected.type is PropertyType.email), None)
    if address is not None:
        return address, "it holds e-mail addresses"
    key = next((one for one in single if one.distinct == one.rows and _KEY_NAMES.search(one.name)), None)
    if key is not None:
        return key, "it is called like a key, and differs in every row"
    raise FileError(
        f"{file} has no column with e-mail addresses, and none that is called like a key and differs in every row;"
        f" name one with --identifier: {', '.join(one.name for one in columns)}"
    )


def _identifying_property(column: ColumnProfile, model: CustomerModelConfig) -> tuple[str, tuple[Property, ...]]:
    """The property that holds the identifier, and it alone where the model has none that fits."""
    is_address = column.detected.type is PropertyType.email
    kind = PropertyType.email if is_address else PropertyType.text
    name = valid_name(column.name, 1)
    for prop in model.properties:
        fits = prop.type is kind and not prop.multiple
        if fits and (prop.name.lower() == name.lower() or (is_address and prop.name.lower() == "email")):
            return prop.name, ()
    name = "email" if is_address else name
    taken = {*(prop.name.lower() for prop in model.properties), *RESERVED_COLUMNS}
    free = name if name.lower() not in taken else f"{name}_2"
    return free, (Property(name=free, type=kind, pii=True),)


def _goal_name(pattern: str) -> str:
    stem = pattern.partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_").lstrip("0123456789_")[:63] or "customers"
