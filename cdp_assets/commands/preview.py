"""`python -m cdp_assets preview`: what an import would find, or an export deliver, before anything is done.

Shows full values: the terminal is the analyst's own. Writes nothing, but for `--write`, which adds the proposed
mappings to the YAML.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from rich.console import Console

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.commands.preview_tables import print_export, print_files, print_import
from cdp_assets.commands.tables import new_console, say
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.components.yaml_edits import Addition, Entry, add_entries, as_yaml
from cdp_assets.components.yaml_files import shown_path
from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import ImportGoal, Rule
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.files.remote import shown
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.export_job import ExportJob
from cdp_assets.flows.preview_export import preview_export
from cdp_assets.flows.preview_files import Asked, GoalPreview, preview_goals
from cdp_assets.flows.propose_mappings import Proposal, propose_mappings

HELP = "show what an import would find, or an export deliver, without doing it"
EXPORT_ROWS, IMPORT_ROWS = 20, 10
MOST_ROWS = 1_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Which goal, which file, and what to propose."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: every active import goal")
    parser.add_argument("--file", metavar="NAME", default="", help="root file; default: the newest not imported yet")
    parser.add_argument("--rows", type=_rows, metavar="N", help="rows to show; default: 10, of an export 20")
    parser.add_argument("--add-all", action="store_true", help="propose a mapping for every column that has none")
    parser.add_argument("--rule", choices=[str(rule) for rule in Rule], help="of proposed mappings; default: set")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="before the names of proposed properties")
    parser.add_argument("--write", action="store_true", help="put what --add-all proposes into the YAML")


def run(options: argparse.Namespace) -> int:
    """Print what there is; 1 if a goal's files cannot be imported as they are."""
    deployment = load_deployment(defs_folder())
    connection = chosen_connection(deployment, options.connection)
    goals = _goals(connection, options.goal)
    proposing = options.add_all or options.write
    if (proposing or options.rule or options.prefix) and not (proposing and options.goal):
        raise ConfigError("--rule, --prefix and --write belong to --add-all, and --add-all to one import goal")
    console = new_console()
    exports = [goal for goal in goals if isinstance(goal, ExportProfilesGoal)]
    imports = [goal for goal in goals if isinstance(goal, ImportGoal)]
    if exports and proposing:
        raise ConfigError(f"{connection.name}/{exports[0].name} is an export goal; --add-all is for imports")
    for goal in exports:
        print_export(
            console,
            preview_export(
                ExportJob.of(deployment, connection, goal, now()), data_folders(), options.rows or EXPORT_ROWS
            ),
        )
    if not imports:
        return 0
    previews = _preview_imports(console, deployment, connection, imports, options)
    if proposing:
        _propose(console, _Target(deployment, connection, imports[0]), previews[0], options)
    return 1 if any(_would_fail(preview) for preview in previews) else 0


def _would_fail(preview: GoalPreview) -> bool:
    """Whether there is a file, and it cannot be imported as it is."""
    return preview.chosen is not None and bool(preview.problem or (preview.seen and preview.seen.problems))


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_ROWS):
        raise argparse.ArgumentTypeError(f"give a number from 1 to {MOST_ROWS}")
    return int(text)


def _goals(connection: Connection, name: str | None) -> list[ImportGoal | ExportProfilesGoal]:
    """The goal of that name, active or not; every active import where none is named."""
    if name is None:
        return [goal for goal in connection.imports if goal.active]
    found = [goal for goal in connection.goals if goal.name == name]
    if not found:
        known = ", ".join(goal.name for goal in connection.goals)
        raise ConfigError(f"no goal {connection.name}/{name}; there are: {known}")
    return found


def _preview_imports(
    console: Console,
    deployment: Deployment,
    connection: Connection,
    goals: list[ImportGoal],
    options: argparse.Namespace,
) -> list[GoalPreview]:
    asked = Asked(options.file, options.rows or IMPORT_ROWS)
    with open_server(connection.server) as server:
        look, previews = preview_goals(deployment, connection, goals, server, data_folders(), now(), asked)
    print_files(console, connection, look)
    by_name = {goal.name: goal for goal in goals}
    for preview in previews:
        print_import(console, by_name[preview.goal], preview)
        others = len(look.new(preview.goal)) - 1
        if preview.chosen is not None and others > 0:
            told = f"{counted(others, 'more new file')} of {preview.goal}: --file NAME looks into one, dry-run into all"
            say(console, f"{told}\n")
    return previews


@dataclass(frozen=True)
class _Target:
    """The goal that mappings are proposed for."""

    deployment: Deployment
    connection: Connection
    goal: ImportGoal


def _propose(console: Console, target: _Target, preview: GoalPreview, options: argparse.Namespace) -> None:
    """Prints the proposed YAML; with --write also puts it in place."""
    if preview.seen is None:
        raise ConfigError("nothing to propose, as no file could be looked into")
    rule = Rule(options.rule) if options.rule else None
    proposal = propose_mappings(target.goal, target.deployment.model, preview.seen, rule, options.prefix)
    for note in proposal.notes:
        say(console, shown(note))
    if not proposal.mappings:
        console.print("Every column has a mapping already; nothing to add.")
        return
    mappings, properties = _entries(proposal)
    # Not through the console, which would wrap: these lines are to be copied.
    print(f"# under goals, {target.goal.name}, mappings:")
    print("".join(f"- {as_yaml(entry)}\n" for entry in mappings))
    if properties:
        under = f"group_types, {target.goal.group_type}, properties" if target.goal.group_type else "properties"
        print(f"# in the customer model, under {under}:")
        print("".join(f"- {as_yaml(entry)}\n" for entry in properties))
    if not options.write:
        print("Nothing was written; --write adds this to the YAML.")
        return
    changed = add_entries(
        defs_folder(),
        [
            Addition("CustomerModel", "", _path_of_properties(target.goal), properties),
            Addition("SftpConnection", target.connection.name, _path_of(target.goal), mappings),
        ],
        _with(target, proposal),
    )
    for path in changed:
        print(f"written: {shown_path(path)}")


def _path_of(goal: ImportGoal) -> tuple[str | tuple[str, str], ...]:
    return ("goals", ("name", goal.name), "mappings")


def _path_of_properties(goal: ImportGoal) -> tuple[str | tuple[str, str], ...]:
    return ("group_types", ("id", goal.group_type), "properties") if goal.group_type else ("properties",)


def _entries(proposal: Proposal) -> tuple[list[Entry], list[Entry]]:
    """As people write them: what goes without saying is left out."""
    mappings = [mapping.model_dump(mode="json", exclude_defaults=True) for mapping in proposal.mappings]
    properties = [prop.model_dump(mode="json", exclude_defaults=True) for prop in proposal.properties]
    return [*mappings], [*properties]


def _with(target: _Target, proposal: Proposal) -> Deployment:
    """The deployment the YAML must describe afterwards."""
    goal = target.goal.model_copy(update={"mappings": (*target.goal.mappings, *proposal.mappings)})
    goals = tuple(goal if item is target.goal else item for item in target.connection.goals)
    connections = tuple(
        item.model_copy(update={"goals": goals}) if item is target.connection else item
        for item in target.deployment.connections
    )
    model = target.deployment.model.with_properties(goal.group_type, proposal.properties)
    return target.deployment.model_copy(update={"model": model, "connections": connections})
