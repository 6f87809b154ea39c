"""`python -m cdp_assets scaffold`: a new connection, drafted from what stands on its server.

Asks for what was not given, shows what the server is known by, looks into one file of each kind, and writes
`<defs>/<name>/defs.yaml`. Nothing that is there is changed, but for properties that are added to the customer model.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.scaffold_questions import ask, asked_server
from cdp_assets.commands.scaffold_yaml import (
    EVENTS_PAGE,
    LINKED_PAGE,
    ONE_PERSON,
    connection_yaml,
    first_model,
    told_several,
)
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.components.yaml_edits import Addition, add_entries
from cdp_assets.components.yaml_files import shown_path
from cdp_assets.config.base import Name
from cdp_assets.config.connections import Connection, Server
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError, LocalDiskError, RemoteDownError, RemoteError
from cdp_assets.files.remote import path_of, shown
from cdp_assets.files.sftp import SftpFileSystem, open_server
from cdp_assets.flows.draft_connection import draft_goals
from cdp_assets.flows.file_kinds import FileKind, file_kinds
from cdp_assets.flows.folders import write_whole
from cdp_assets.flows.goal_draft import GoalDraft
from cdp_assets.flows.look_kinds import LeftOut, LookedKind, look_at_kinds
from cdp_assets.flows.people_columns import GROUPS_PAGE

HELP = "write a new connection after looking at its server and files"


def configure(parser: argparse.ArgumentParser) -> None:
    """What is known already; the rest is asked for."""
    parser.add_argument("name", help="of the connection: small letters, digits, _")
    parser.add_argument("--host", help="name or address of the server")
    parser.add_argument("--port", type=int, help="default: 22")
    parser.add_argument("--user", help="whom to log in as")
    parser.add_argument("--key", metavar="PATH", help="file with the private key")
    parser.add_argument("--passphrase-env", metavar="NAME", help="environment variable with the passphrase of the key")
    parser.add_argument("--passphrase-file", metavar="PATH", help="file with it")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with the password")
    parser.add_argument("--password-file", metavar="PATH", help="file with the password")
    parser.add_argument("--host-key", metavar="SHA256:…", help="fingerprint or key the server must show")
    parser.add_argument(
        "--directory", action="append", help="folder with files, may be given again; default: where the log-in leads"
    )
    parser.add_argument("--files", metavar="PATTERN", default="", help="only kinds called so, such as 'customers_*'")
    parser.add_argument(
        "--identifier",
        metavar="COLUMN",
        action="append",
        default=[],
        help="what finds a person in all files that have it, or GOAL:COLUMN; may be given again; default: found out",
    )


def run(options: argparse.Namespace) -> int:
    """Write the YAML; 1 if the files cannot be told.

    Raises:
        ConfigError: somebody must say what cannot be found out, or the connection is there already.
        LocalDiskError: the folder cannot be written to.
    """
    try:
        TypeAdapter(Name).validate_python(options.name)
    except ValidationError:
        told = f"{options.name!r} is no name of a connection: a small letter, then small letters, digits and _"
        raise ConfigError(told) from None
    folder = defs_folder()
    target = folder / options.name / "defs.yaml"
    if target.exists():
        raise ConfigError(
            f"{shown_path(target)} is there already; change it, delete it to draft it anew, or choose another name"
        )
    server = asked_server(options)
    # Nothing is written while somebody is asked or the server is read.
    drafts, left_out = _drafts(_deployment(folder), options, server)
    if not drafts:
        return 1
    try:
        with _all_or_nothing(folder):
            written = _write(folder, target, options.name, server, drafts, left_out)
    except OSError as error:
        raise LocalDiskError(f"nothing was written: {error}") from error
    for path in written:
        print(f"written: {shown_path(path)}")
    for draft in drafts:
        _tell_creating(draft)
    name = options.name
    print(f"Read it, then: python -m cdp_assets test-connection {name}; python -m cdp_assets preview {name}")
    return 0


def _deployment(folder: Path) -> Deployment:
    """What is there; for a folder without YAML, with the model that it gets."""
    if any(folder.rglob("*.yaml")):
        return load_deployment(folder)
    with tempfile.TemporaryDirectory() as empty:
        write_whole(Path(empty) / "model" / "defs.yaml", first_model().encode())
        return load_deployment(Path(empty))


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    """If anything fails, the folder and its YAML are as they were."""
    before = {path: path.read_bytes() for path in folder.rglob("*.yaml")}
    there = {path for path in (folder, *folder.rglob("*")) if path.exists()}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if path.read_bytes() != content:
                write_whole(path, content)
        for path in sorted({folder, *folder.rglob("*")} - there, reverse=True):
            if path.is_dir():
                path.rmdir()
            elif ".yaml" in path.name:
                # Also one under its name for the time of writing.
                path.unlink()
        raise


def _drafts(
    deployment: Deployment, options: argparse.Namespace, server: Server
) -> tuple[list[GoalDraft], list[LeftOut]]:
    """One goal for each kind of file whose people can be told, and the other kinds."""
    connection = Connection.model_construct(None, name=options.name, server=server, goals=())
    looked: list[LookedKind] = []
    unread: list[LeftOut] = []
    with open_server(server) as system:
        for directory, kinds in _kinds(system, server, options):
            found = look_at_kinds(deployment, connection, system, data_folders(), now(), directory, kinds)
            looked += found[0]
            unread += found[1]
    drafts, left_out = draft_goals(deployment, looked, options.identifier)
    for draft in drafts:
        _tell(draft)
    for one in [*unread, *left_out]:
        print(f"left out: {shown(one.kind.pattern)}: {one.reason}")
        if one.linked:
            drafted = f"; the goal {one.owner} has a draft of it in its comments" if one.owner else ""
            told = "if its rows belong to the rows there, import the two together, as linked files"
            print(f"    {told}: {LINKED_PAGE}{drafted}")
    return drafts, left_out


def _kinds(system: SftpFileSystem, server: Server, options: argparse.Namespace) -> Iterator[tuple[str, list[FileKind]]]:
    """Each folder and what stands in it; where somebody can be asked, until there is one."""
    given: list[str] = options.directory or ([] if sys.stdin.isatty() else [""])
    for directory in given:
        yield directory, _kinds_in(system, server, directory, options.files)
    while not given:
        directory = ask("Folder with the files (empty: where the log-in leads)", "")
        try:
            kinds = _kinds_in(system, server, directory, options.files)
        except RemoteDownError:
            raise
        except (RemoteError, ConfigError) as error:
            print(error)
        else:
            yield directory, kinds
            return


def _kinds_in(system: SftpFileSystem, server: Server, directory: str, wanted: str) -> list[FileKind]:
    place = path_of(server, directory)
    kinds = file_kinds(system.list_files(place))
    meant = [kind for kind in kinds if kind.is_meant_by(wanted)]
    if meant:
        return meant
    there = ", ".join(shown(kind.pattern) for kind in kinds) or "none"
    told = f"no file to look into in {directory or 'the log-in folder'}; kinds there: {there}"
    folders = [shown(name) for name in system.list_folders(place)]
    likely = next((name for name in folders if not name.startswith(".")), "".join(folders[:1]))
    first = f"{directory.rstrip('/')}/{likely}" if directory else likely
    cure = f"; --directory {first} looks there, and may be given for each" if folders and not kinds else ""
    raise ConfigError(f"{told}; folders there: {', '.join(folders) or 'none'}{cure}")


def _tell(draft: GoalDraft) -> None:
    goal, layout = draft.goal, draft.goal.format
    kind, found = draft.looked.kind, draft.found
    print(f"{goal.name}: files {kind.pattern}{', also .gz' if kind.gzipped_too else ''}, as {shown(kind.newest.name)}")
    print(f"    separator {layout.separator!r}, decimal {layout.decimal!r}, {layout.encoding}")
    if not layout.header:
        print("    !! the first line holds an address, so there is no line of column names: columns go by their place,")
        print('       "1", "2", …; format.columns can name them')
    print(f"    people are found by {found.column.name!r}, as {found.why}")
    for more in draft.more_identifiers:
        print(f"    and by {more.column!r} where that finds nobody: {ONE_PERSON}")
    _tell_doubts(draft)
    print(f"    {counted(len(goal.mappings), 'column')} mapped")
    for column in draft.columns:
        if column.detected.detail or column.detected.fitting < column.filled:
            print(f"    {shown(column.name)}: {column.looks_like}")
    for note in draft.proposal.notes:
        print(f"    {shown(note)}")


def _tell_who(draft: GoalDraft) -> None:
    """Whether the rows are people, and who is not found."""
    column = draft.found.column
    lacking = column.rows - column.filled
    if lacking and not draft.more_identifiers:
        have = "row has" if lacking == 1 else "rows have"
        told = f"{lacking:,} {have} no {column.name!r} and would be left out"
        other = next((one.column for one in draft.other_identifiers), "")
        print(f"    !! {told}{f'; {other!r} could find them too: see its comment' if other else ''}")
    if not draft.goal.active:
        print("    !! nothing tells that these are people, so the goal is switched off: remove `active: false` if each")
        print(f"       row is one; things such as shops or households are groups: {GROUPS_PAGE}")
    elif draft.found.guessed:
        print("    !! nothing tells that these are people: every row makes a profile; remove the goal if it is not so")


def _tell_doubts(draft: GoalDraft) -> None:
    """What its author should decide."""
    for warning in draft.looked.warnings:
        print(f"    !! {warning}")
    _tell_who(draft)
    if draft.about_others:
        whose = "some people have several rows" if draft.several_rows else "the people are those of another file"
        print(f"    !! {whose}: of a property the last one counts, unless its rule is sum or add;")
        print(f"       if the rows are orders or visits, import them as timeline events: {EVENTS_PAGE}")
    elif draft.repeats:
        told = f"{counted(draft.repeats, 'row repeats', 'rows repeat')} what finds a person in an earlier one"
        print(f"    !! {told}: of a property the last one counts, unless its rule is sum or add")
    for key, rows in draft.several_keys:
        print(f"    !! {told_several(key, rows)}")
    if draft.slashed_dates:
        names = ", ".join(shown(name) for name in draft.slashed_dates)
        print(f"    !! dates are day first ({names}); a file whose dates fit both is read month first, with a warning:")
        print("       if all dates of the files have one form, say it with format.date_format")
    if draft.local_times:
        names = ", ".join(shown(name) for name in draft.local_times)
        print(f"    !! times without an offset are taken as UTC ({names}); if they are of elsewhere, say so with")
        print("       format.timezone, such as Europe/Berlin")


def _tell_creating(draft: GoalDraft) -> None:
    """What becomes of rows whose people may be missing."""
    name = draft.goal.name
    if draft.why_creating:
        lost = "with false, rows about people who are not known yet would be left out"
        print(f"{name}: allow_create is true, as {draft.why_creating}; {lost}")
    if draft.why_left_out:
        lost = "rows about people who are not known yet are left out; correct the file first, or see the comments"
        print(f"!! {name}: allow_create is false, although {draft.why_left_out}; {lost}")


def _write(
    folder: Path, target: Path, name: str, server: Server, drafts: list[GoalDraft], left_out: list[LeftOut]
) -> list[Path]:
    """Properties first, then the connection; it must pass what `check` asks."""
    properties = [prop for draft in drafts for prop in draft.proposal.properties]
    made = [] if any(folder.rglob("*.yaml")) else [folder / "model" / "defs.yaml"]
    for path in made:
        first = first_model() if any(draft.address for draft in drafts) else first_model(properties)
        write_whole(path, first.encode())
    before = load_deployment(folder)
    properties = [prop for prop in properties if prop not in before.model.properties]
    entries = [prop.model_dump(mode="json", exclude_defaults=True) for prop in properties]
    expected = before.model_copy(update={"model": before.model.with_properties("", tuple(properties))})
    changed = add_entries(folder, [Addition("CustomerModel", "", ("properties",), entries)], expected)
    write_whole(target, connection_yaml(name, server, drafts, left_out, before.model).encode())
    load_deployment(folder)
    return [*(made or changed), target]
