"""Looks into the newest file of each kind in a folder: how it is laid out, and what its columns hold. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.files import Format
from cdp_assets.config.goals import Identifier, ImportProfilesGoal, Mapping
from cdp_assets.config.model import Deployment
from cdp_assets.config.properties import Property
from cdp_assets.errors import CdpError
from cdp_assets.files.encoding import OLD_EUROPEAN, UTF8
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import wildcard_value
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.file_kinds import FileKind
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.guess_layout import grouped_or_not, guess_format, read_beginning
from cdp_assets.flows.preview_files import Asked, preview_goals
from cdp_assets.flows.sample_results import SetPreview


@dataclass(frozen=True)
class LookedKind:
    """One kind of files, and what its newest file holds."""

    kind: FileKind
    goal: ImportProfilesGoal
    """Files and format; what finds people, and mappings, are still to be found."""
    seen: SetPreview
    warnings: tuple[str, ...] = ()
    """What may be read wrongly, and files that are laid out otherwise than the one that was looked into."""

    @property
    def file(self) -> str:
        """The file that was looked into."""
        return shown(self.kind.newest.name)

    @property
    def first_dated(self) -> tuple[datetime, str] | None:
        """The earliest date in the name of a file of the kind, and that name; None = some name has no date."""
        dated: list[tuple[datetime, str]] = []
        for name in self.kind.names:
            try:
                moment = effective_date(self.goal.files, wildcard_value(self.goal.files, name) or "")
            except CdpError:
                return None
            if moment is None:
                return None
            dated.append((moment, shown(name)))
        return min(dated, default=None)

    @property
    def single(self) -> list[ColumnProfile]:
        """Columns that hold something, one value in a cell."""
        return [one for one in self.seen.columns if one.filled and not one.detected.multiple]

    def has(self, column: str) -> bool:
        """Whether there is a column of exactly this name, be it empty."""
        return any(one.name == column for one in self.seen.columns)

    def column(self, name: str) -> ColumnProfile | None:
        """One of `single` by its name; case does not count."""
        return next((one for one in self.single if one.name.lower() == name.lower()), None)


@dataclass(frozen=True)
class LeftOut:
    """A kind of files for which no goal is drafted."""

    kind: FileKind
    reason: str
    owner: str = ""
    """Name of the goal to whose rows its rows belong, with which they are imported; empty = none is known."""
    column: str = ""
    """The column there and here that says to which row one belongs."""
    parent_column: str = ""
    columns: tuple[ColumnProfile, ...] = ()
    """Its other columns."""
    lookup: bool = False
    """Whether its rows are things that the rows there name, such as products, rather than lines of them."""
    static: bool = False
    """Whether one file stands beside all of the owner's."""

    @property
    def linked(self) -> bool:
        """Whether its rows belong to those of another kind."""
        return bool(self.column)


def look_at_kinds(
    deployment: Deployment,
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    directory: str,
    kinds: Sequence[FileKind],
) -> tuple[list[LookedKind], list[LeftOut]]:
    """What the newest file of each kind holds, and which kinds cannot tell."""
    model = deployment.model.with_properties("", (Property(name="draft"),))
    draft = deployment.model_copy(update={"model": model})
    looked: list[LookedKind] = []
    unread: list[LeftOut] = []
    for kind, layout, doubts in _layouts(server, kinds, unread):
        goal = _first_goal(kind, directory, layout)
        looking = connection.model_copy(update={"goals": (goal,)})
        asked = Asked(shown(kind.newest.name), 1)
        try:
            _, previews = preview_goals(draft, looking, [goal], server, folders, now, asked)
        except CdpError as error:
            unread.append(LeftOut(kind, str(error)))
            continue
        found = previews[0]
        if found.seen is None or not found.seen.columns:
            unread.append(LeftOut(kind, f"{shown(kind.newest.name)}: {found.problem or 'no columns were found'}"))
        else:
            empty = [f"{shown(name)} is empty: an import refuses it" for name in kind.empty]
            looked.append(LookedKind(kind, goal, found.seen, (*doubts, *found.differences, *empty)))
    return looked, unread


def _layouts(
    server: SftpFileSystem, kinds: Sequence[FileKind], unread: list[LeftOut]
) -> Iterator[tuple[FileKind, Format, tuple[str, ...]]]:
    """How each kind is laid out; what a kind does not tell itself is taken to be as the others have it; and doubts."""
    found: list[tuple[FileKind, Format, bytes]] = []
    for kind in kinds:
        try:
            content = read_beginning(server, kind.newest)
        except CdpError as error:
            unread.append(LeftOut(kind, str(error)))
        else:
            found.append((kind, guess_format(content), content))
    # Bytes of UTF-16 are never ASCII alone, so its text is told from the file itself. Where some kinds are in UTF-8,
    # ASCII is too: what is read as UTF-8 by mistake is refused, what is read as another encoding comes in wrong.
    # Those with the same separator tell first: they rather are of the same system.
    told = [(layout.separator, layout.encoding) for _, layout, content in found if not content.isascii()]
    comma = any(layout.decimal == "," for _, layout, _ in found)
    for kind, layout, content in found:
        alike = {encoding for separator, encoding in told if separator == layout.separator}
        others = alike or {encoding for _, encoding in told}
        old = content.isascii() and OLD_EUROPEAN in others and UTF8 not in others
        changes = {"encoding": OLD_EUROPEAN} if old else {}
        either, example = grouped_or_not(content, layout)
        if comma and either:
            changes["decimal"] = ","
        yield kind, layout.model_copy(update=changes), (_doubt(example, grouped=comma),) if example else ()


def _doubt(example: str, *, grouped: bool) -> str:
    """What a number is taken for that may be two."""
    if grouped:
        whole = example.replace(".", "")
        return f"{example} is taken for {whole}, as other files have a decimal comma; else set format.decimal: '.'"
    return f"{example} is taken for a number with decimals; if the point groups digits, set format.decimal: ','"


def _first_goal(kind: FileKind, directory: str, layout: Format) -> ImportProfilesGoal:
    return ImportProfilesGoal(
        type="import_profiles",
        name=kind.goal_name,
        files=kind.files(directory),
        format=layout,
        identifiers=(Identifier(column="?", property="draft"),),
        mappings=(Mapping(column="?", property="draft"),),
        allow_create=True,
    )
