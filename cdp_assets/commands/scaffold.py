"""`python -m cdp_assets scaffold`: a new connection, drafted from what stands on its server.

Asks for what was not given, shows what the server is known by, looks into one file of each kind, and writes
`<defs>/<name>/defs.yaml`. Nothing that is there is changed, but for properties that are added to the customer model.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.components.yaml_edits import Addition, add_entries, as_yaml
from cdp_assets.components.yaml_files import shown_path
from cdp_assets.config.base import Name, SecretRef
from cdp_assets.config.connections import Connection, Server
from cdp_assets.config.goals import ImportProfilesGoal
from cdp_assets.config.model import Deployment
from cdp_assets.errors import CdpError, ConfigError
from cdp_assets.files.host_keys import offered_host_key
from cdp_assets.files.remote import path_of, shown
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.draft_connection import GoalDraft, draft_goal, name_patterns
from cdp_assets.flows.folders import write_whole

HELP = "write a new connection after looking at its server and files"
_FIRST_MODEL = """\
# What a profile can hold, and segments of profiles.
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email, pii: true}
  # segments:
  #   - {name: has_address, where: {property: email, not_is_empty: true}}
"""
_TAIL = """\
    # - type: export_profiles
    #   name: vip_list
    #   segment: vip
    #   directory: out
    #   columns: [{property: email, identifier: true}]
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """What is known already; the rest is asked for."""
    parser.add_argument("name", help="of the connection: small letters, digits, _")
    parser.add_argument("--host", help="name or address of the server")
    parser.add_argument("--port", type=int, help="default: 22")
    parser.add_argument("--user", help="whom to log in as")
    parser.add_argument("--key", metavar="PATH", help="file with the private key")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with the password")
    parser.add_argument("--password-file", metavar="PATH", help="file with the password")
    parser.add_argument("--host-key", metavar="SHA256:…", help="fingerprint or key the server must show")
    parser.add_argument("--directory", help="folder with the files; default: where the log-in leads")
    parser.add_argument("--files", metavar="PATTERN", help="only these, such as 'customers_*.csv'; default: all kinds")
    parser.add_argument("--identifier", metavar="COLUMN", default="", help="what finds a person; default: found out")


def run(options: argparse.Namespace) -> int:
    """Write the YAML; 1 if the files cannot be told.

    Raises:
        ConfigError: somebody must say what cannot be found out, or the connection is there already.
    """
    try:
        TypeAdapter(Name).validate_python(options.name)
    except ValidationError:
        told = f"{options.name!r} is no name of a connection: a small letter, then small letters, digits and _"
        raise ConfigError(told) from None
    folder = defs_folder()
    target = folder / options.name / "defs.yaml"
    if target.exists():
        raise ConfigError(f"{shown_path(target)} is there already; choose another name, or change it")
    server = _server(options)
    if not any(folder.rglob("*.yaml")):
        write_whole(folder / "model" / "defs.yaml", _FIRST_MODEL.encode())
    deployment = load_deployment(folder)
    directory = options.directory if options.directory is not None else _ask("Folder with the files", "")
    drafts = _drafts(deployment, options, server, directory)
    if not drafts:
        return 1
    return _write(folder, target, options.name, server, drafts)


def _ask(question: str, default: str | None = None) -> str:
    """One line from the terminal; the default for an empty one, or where nobody can answer."""
    if not sys.stdin.isatty():
        if default is None:
            raise ConfigError(f"nobody can be asked here: {question}; give it as an option (see --help)")
        return default
    while True:
        answer = input(f"{question} [{default}]: " if default else f"{question}: ").strip()
        if answer or default is not None:
            return answer or default or ""


def _server(options: argparse.Namespace) -> Server:
    host = options.host or _ask("Server (name or address)")
    port = options.port or int(_ask("Port", "22"))
    user = options.user or _ask("User")
    key, variable, file = options.key, options.password_env, options.password_file
    if not (key or variable or file):
        key = _ask("File with the private key (empty: a password)", "")
        variable = None if key else _ask("Environment variable with the password", f"{options.name.upper()}_PASSWORD")
    password = SecretRef(env=variable) if variable else SecretRef(file=Path(file)) if file else None
    return Server(
        host=host,
        port=port,
        username=user,
        host_key=options.host_key or _host_key(host, port),
        private_key=SecretRef(file=Path(key)) if key else None,
        password=password,
    )


def _host_key(host: str, port: int) -> str:
    """The server's fingerprint, once a person has compared it."""
    kind, fingerprint = offered_host_key(host, port)
    print(f"The server at {host}:{port} shows the key {fingerprint} ({kind}).")
    print("Compare it with what its operator tells you by another way: anybody could answer at this address.")
    if not sys.stdin.isatty():
        raise ConfigError(f"if it is the right one, give it: --host-key {fingerprint}")
    if _ask("Is it the right one? (yes/no)", "no").lower() not in {"y", "yes"}:
        raise ConfigError("nothing was written: ask the server's operator for the right key")
    return fingerprint


def _drafts(deployment: Deployment, options: argparse.Namespace, server: Server, directory: str) -> list[GoalDraft]:
    """One goal for each kind of file whose people can be told; the model grows on the way."""
    connection = Connection.model_construct(None, name=options.name, server=server, goals=())
    drafts: list[GoalDraft] = []
    with open_server(server) as system:
        files = system.list_files(path_of(server, directory))
        patterns = name_patterns(files)
        if options.files:
            patterns = {one: file for one, file in patterns.items() if one == options.files}
        if not patterns:
            kinds = ", ".join(name_patterns(files)) or "none"
            raise ConfigError(f"no file to look into in {directory or 'the log-in folder'}; kinds there: {kinds}")
        for pattern, file in patterns.items():
            chosen = (directory, pattern, file)
            try:
                draft = draft_goal(deployment, connection, system, data_folders(), now(), chosen, options.identifier)
            except CdpError as error:
                print(f"left out: {shown(pattern)}: {error}")
                continue
            model = deployment.model.with_properties("", draft.proposal.properties)
            deployment = deployment.model_copy(update={"model": model})
            drafts.append(draft)
            _tell(draft)
    return drafts


def _tell(draft: GoalDraft) -> None:
    goal, layout = draft.goal, draft.goal.format
    print(f"{goal.name}: files {goal.files.root}, as {shown(draft.file)}")
    print(f"    separator {layout.separator!r}, decimal {layout.decimal!r}, {layout.encoding}")
    print(f"    people are found by {goal.identifier_columns[0].column!r}, as {draft.why}")
    print(f"    {len(goal.mappings)} columns mapped")
    for note in draft.proposal.notes:
        print(f"    {shown(note)}")


def _write(folder: Path, target: Path, name: str, server: Server, drafts: list[GoalDraft]) -> int:
    """Properties first, then the connection; the file stays only if `check` takes it."""
    before = load_deployment(folder)
    properties = [prop for draft in drafts for prop in draft.proposal.properties]
    entries = [prop.model_dump(mode="json", exclude_defaults=True) for prop in properties]
    expected = before.model_copy(update={"model": before.model.with_properties("", tuple(properties))})
    changed = add_entries(folder, [Addition("CustomerModel", "", ("properties",), entries)], expected)
    write_whole(target, connection_yaml(name, server, [draft.goal for draft in drafts]).encode())
    try:
        load_deployment(folder)
    except ConfigError:
        target.unlink()
        raise
    for path in [*changed, target]:
        print(f"written: {shown_path(path)}")
    print(f"Read it, then: python -m cdp_assets test-connection {name}; python -m cdp_assets preview {name}")
    return 0


def connection_yaml(name: str, server: Server, goals: Sequence[ImportProfilesGoal]) -> str:
    """The file, one mapping on each line."""
    lines = [
        "# Drafted from the files of the server: read it through.",
        "type: cdp_assets.SftpConnection",
        "attributes:",
    ]
    lines += [f"  name: {name}", "  server:"]
    for key, value in server.model_dump(mode="json", exclude_defaults=True, exclude_none=True).items():
        lines.append(f"    {_pair(key, value)}")
    lines += ["  run: manual", "  goals:"]
    for goal in goals:
        lines += [f"    - type: {goal.type}", f"      name: {goal.name}"]
        lines.append(f"      files: {as_yaml(goal.files.model_dump(mode='json', exclude_defaults=True))}")
        layout = {"separator": goal.format.separator, "decimal": goal.format.decimal}
        layout |= goal.format.model_dump(mode="json", exclude_defaults=True)
        lines.append(f"      format: {as_yaml(layout)}")
        lines.append(f"      identifiers: [{as_yaml(goal.identifier_columns[0].model_dump(mode='json'))}]")
        lines += ["      allow_create: true", "      mappings:"]
        lines += [f"        - {as_yaml(one.model_dump(mode='json', exclude_defaults=True))}" for one in goal.mappings]
    return "\n".join(lines) + "\n" + _TAIL


def _pair(key: str, value: object) -> str:
    return re.sub(r"^\{(.*)\}$", r"\1", as_yaml({key: value}))
