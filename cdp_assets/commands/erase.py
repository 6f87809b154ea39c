"""`python -m cdp_assets erase`: takes people out of everything that is kept here, and keeps them out."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.tables import Column, new_console, print_table
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.flows.erase_profiles import Erased, erase, lift
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.held_elsewhere import held_elsewhere
from cdp_assets.flows.list_erasures import Listed, list_erasures
from cdp_assets.flows.read_profile import readable_warehouse

HELP = "erase people from all that is kept here, and keep them out; --lift lets them in, --list tells when"
BEYOND = (
    "backups of the data folder",
    "copies of the warehouse that programs opened before and still hold open",
    "what other people's rows say of them, such as an e-mail in a remark",
)
"""What no erasure here can reach."""
MOST_NAMED = 50
"""Files of one sort that are named."""
UNKNOWN = (
    "no profile has these identifiers now, so only rows that name them themselves were found: erase the person's other"
    " identifiers too, such as the customer number"
)
"""After a withdrawal, say: nothing tells any more which identifiers belong together, nor who got the person."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Whom."""
    parser.add_argument(
        "identifiers", nargs="*", help="identifiers of people; other users of the machine see them: rather use --file"
    )
    parser.add_argument(
        "--file",
        metavar="PATH",
        help="a CSV file whose columns are named as identifiers, such as email; - = standard input",
    )
    parser.add_argument("--property", metavar="NAME", help="what the identifiers are; a file then has no header")
    parser.add_argument("--all", action="store_true", help="where several profiles hold an identifier, erase them all")
    parser.add_argument("--lift", action="store_true", help="instead: let these people in again, from the next file on")
    parser.add_argument(
        "--list", action="store_true", help="instead: when was erased, and how many; nothing kept here tells whom"
    )
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Erase and report.

    Raises:
        ConfigError: whoever asks must: nobody is named, or somebody not clearly.
    """
    if options.list:
        if options.identifiers or options.file is not None or options.lift:
            raise ConfigError("--list tells of all erasures: name nobody with it")
        _list(list_erasures(data_folders()), as_json=options.json)
        return 0
    asked = [Asked(value, options.property) for value in options.identifiers]
    asked += _read(options.file, options.property) if options.file is not None else []
    if not asked:
        raise ConfigError("name people by their identifiers, or give a file of them with --file")
    deployment, folders = load_deployment(defs_folder()), data_folders()
    if options.lift:
        lifted = lift(folders, asked)
        print(f"{counted(lifted, 'erasure')} lifted", end="")
        print(": whoever they name may come in again" if lifted else ": nothing keeps these identifiers out")
        return 0
    told = erase(
        deployment.model,
        folders,
        asked,
        now(),
        goals={(one.name, goal.name): goal.population for one in deployment.connections for goal in one.exports},
        more=_identifying(deployment),
        several=options.all,
    )
    still_here = list(_still_here(folders, [(number, asked[number - 1].value) for number in told.unknown]))
    if options.json:
        more = {"still_here": still_here, "beyond": BEYOND}
        json.dump(asdict(told) | more, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print("\n".join([*_lines(told), *still_here]))
    return 0


def _still_here(folders: DataFolders, unknown: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Who has what was given in a property that identifies nobody: they were not erased. No value is repeated."""
    if not unknown or not folders.warehouse.exists():
        return
    with readable_warehouse(folders) as (database, _):
        for number, value in unknown:
            elsewhere = held_elsewhere(database, value, named=False)
            if elsewhere:
                yield (
                    f"NOT ERASED: identifier {number} of those given: {elsewhere};"
                    " `python -m cdp_assets profile` with it tells what does"
                )


def _list(found: Sequence[Listed], *, as_json: bool) -> None:
    if as_json:
        json.dump([asdict(item) for item in found], sys.stdout, default=datetime.isoformat, indent=2)
        print()
    elif not found:
        print("nobody is kept out: nobody was erased, or all erasures were lifted")
    else:
        columns = [Column("erased (UTC)"), Column("people", number=True), Column("identifiers", number=True)]
        rows = [
            [
                f"{item.erased_at.astimezone(UTC):%Y-%m-%d %H:%M}",
                f"{item.people:,}",
                f"{item.identifiers:,}",
                item.kinds,
            ]
            for item in found
        ]
        print_table(new_console(), "Erasures that keep somebody out", [*columns, Column("of which")], rows)


def _identifying(deployment: Deployment) -> frozenset[str]:
    goals = [goal for connection in deployment.connections for goal in connection.imports if not goal.group_type]
    return frozenset(column.property for goal in goals for column in goal.identifier_columns)


def _read(path: str, name: str | None) -> list[Asked]:
    """The identifiers of a file, each cell one; empty cells are nobody."""
    try:
        with nullcontext(sys.stdin) if path == "-" else Path(path).open(newline="", encoding="utf-8-sig") as text:
            return list(_cells(text, name))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: it is no CSV file in UTF-8") from error


def _cells(text: Iterable[str], name: str | None) -> Iterator[Asked]:
    rows = csv.reader(text)
    header = [name] if name is not None else [cell.strip() for cell in next(rows, [])]
    for number, row in enumerate(rows, start=1 if name is not None else 2):
        if len(row) > len(header):
            wanted = f"{len(header)} is" if len(header) == 1 else f"{len(header)} are"
            raise ConfigError(f"row {number} has {counted(len(row), 'cell')}; {wanted} expected, as in the header")
        yield from (Asked(cell, column) for column, cell in zip(header, row, strict=False) if cell.strip())


def _shared(identifiers: int) -> str:
    stays = "it stays" if identifiers == 1 else "they stay"
    return f"{counted(identifiers, 'identifier')} that other people have too: {stays} theirs"


def _lines(told: Erased) -> Iterator[str]:
    kept_out = f"{counted(told.identifiers, 'identifier')} {'is' if told.identifiers == 1 else 'are'} kept out"
    yield f"{counted(told.people, 'profile')} erased; {kept_out} from now on"
    if told.unknown and told.people:
        which = ", ".join(map(str, told.unknown))
        yield f"no profile has ever had what you gave as identifier {which}: is it written right? It is kept out too"
    if not told.people:
        yield UNKNOWN
        several = f", as {' and as '.join(told.kinds)}, for it may be either" if len(told.kinds) > 1 else ""
        yield f"what you gave is kept out{several}: the same with --lift lets it in again"
    yield "removed:"
    rows, batches = counted(told.rows, "row"), counted(told.batches, "batch", "batches")
    yield f"  {rows} in {batches}, which {'keeps its place' if told.batches == 1 else 'keep their places'}"
    yield f"  {counted(told.rejects, 'text')} of rejected rows and cells"
    originals = "file as it was" if told.originals == 1 else "files as they were"
    yield f"  {told.originals} {originals} received, of those batches: `reland` cannot read these anew"
    staged = counted(told.staged, "delivery", "deliveries")
    yield f"  {counted(told.snapshots, 'snapshot')}; {staged} that had not arrived"
    yield from (f"  {counted(count, 'row')} of {name}" for name, count in sorted(told.tables.items()))
    yield "  the warehouse was rebuilt, its file and the readers' copy were written anew"
    yield "not reached:"
    for label, names in (
        ("file on the server", told.sources),
        ("delivered file that may hold them", told.delivered),
        ("rejected rows sent back, of those batches", told.sent_back),
    ):
        listed = list(dict.fromkeys(names))
        yield from (f"  {label}: {name}" for name in listed[:MOST_NAMED])
        if len(listed) > MOST_NAMED:
            yield f"  … and {len(listed) - MOST_NAMED:,} more, which --json names"
    if told.sealed:
        yield f"  encrypted copies of {counted(told.sealed, 'file')}, with no row of theirs, which were not searched"
    if told.shared:
        yield f"  {_shared(told.shared)}"
    yield from (f"  {text}" for text in BEYOND)
