"""A defs folder in, a checked deployment out, or every mistake of every file at once."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel

from cdp_assets.components.reading import COMPONENT_NAMES, Reading, Written, read
from cdp_assets.components.wording import unknown_key
from cdp_assets.components.yaml_files import Document, line_of, read_documents, shown_path
from cdp_assets.config.check import Finding, check
from cdp_assets.config.connections import Connection
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.known import Kind, Location, Unread, listed, nearest_first
from cdp_assets.config.model import CustomerModelConfig, Deployment, complete_deployment
from cdp_assets.config.unread import UNREAD
from cdp_assets.errors import ConfigError, Problem
from cdp_assets.flows.check_written import written_places

DEFS_DIR_VARIABLE = "CDP_DEFS_DIR"
_PACKAGE = "cdp_assets"
_DOCUMENT_KEYS = ["attributes", "post_processing", "requirements", "template_vars_module", "type"]
_TYPES: Mapping[str, type[BaseModel]] = {
    name: model
    for model, short, module in (
        (Connection, "SftpConnection", "sftp_connection"),
        (CustomerModelConfig, "CustomerModel", "customer_model"),
        (DropFolders, "DropFolders", "drop_folders"),
    )
    for name in (f"{_PACKAGE}.{short}", f"{_PACKAGE}.components.{module}.{short}")
}
_MADE_OF = frozenset({"properties", "event_types", "group_types"})
"""Parts of the customer model that tables are made of."""
_KINDS: Mapping[str, Kind] = {
    "properties": "property",
    "segments": "segment",
    "lifecycles": "lifecycle",
    "event_types": "event type",
    "group_types": "group type",
    "objectives": "objective",
    "domain_groups": "domain group",
}
_SHORT_TYPES = sorted(f"{_PACKAGE}.{name}" for name in COMPONENT_NAMES.values())


ConnectionReading = Reading[Connection] | Reading[DropFolders]
"""What makes a connection: one that was written as such, or drop folders."""


def connection_of(config: Connection | DropFolders) -> Connection:
    """The connection of a component; which goals drop folders have that could not be read is UNREAD."""
    if isinstance(config, Connection):
        return config
    if "server" in config.model_fields_set:
        return config.connection
    readable: dict[str, Any] = {"name": config.name, "goals": UNREAD}
    return Connection.model_construct(None, **readable)


def drop_place(location: Location) -> Location:
    """Where in the YAML of drop folders a place in their connection stands."""
    return location[2:] if location[:1] == ("goals",) else location


def defs_folder() -> Path:
    """The folder of the environment variable CDP_DEFS_DIR, else the `defs/` that comes with the package."""
    configured = os.environ.get(DEFS_DIR_VARIABLE)
    return Path(configured) if configured else Path(__file__).resolve().parent.parent / "defs"


def told_defs_folder() -> str:
    """Which folder commands read, and that the environment variable does not say so where it does not."""
    unset = "" if os.environ.get(DEFS_DIR_VARIABLE) else f"; {DEFS_DIR_VARIABLE} is not set"
    return f"read from {shown_path(defs_folder())}{unset}"


def load_deployment(folder: Path) -> Deployment:
    """The deployment a defs folder describes.

    Raises:
        ConfigError: the author of the YAML must act; it holds every problem found.
    """
    deployment, problems = _load(folder)
    if deployment is None:
        raise ConfigError(problems)
    return deployment


def find_problems(folder: Path) -> list[Problem]:
    """Every mistake in the YAML of a defs folder, by file and line; empty = it can run."""
    return _load(folder)[1]


def deployment_from(
    models: Sequence[Reading[CustomerModelConfig]],
    connections: Sequence[ConnectionReading],
    *,
    where: str,
    complete: bool = True,
) -> tuple[Deployment | None, list[Problem]]:
    """Put the parts together and apply the cross rules to all of them that could be read.

    `where` names the folder if it lacks a customer model; not `complete` = something could not even be
    recognised, so what is missing may be that.
    """
    parts: list[Reading[Any]] = [*models, *connections]
    problems = [problem for part in parts for problem in part.problems]
    problems += _exactly_one(models, where, complete=complete)
    problems += _cross_problems(models, connections, complete=complete)
    model = models[0].value if models else None
    values = tuple(connection_of(part.value) for part in connections if part.value is not None)
    if problems or model is None:
        return None, sorted(set(problems))
    return complete_deployment(model, values), []


@dataclass
class _Found:
    models: list[Reading[CustomerModelConfig]] = field(default_factory=list)
    connections: list[ConnectionReading] = field(default_factory=list)
    complete: bool = True


def _load(folder: Path) -> tuple[Deployment | None, list[Problem]]:
    shown = shown_path(folder)
    if not folder.is_dir():
        message = f"this folder does not exist; give --defs, or set {DEFS_DIR_VARIABLE}"
        return None, [Problem(shown, 0, message)]
    documents, problems = read_documents(folder)
    scope = dg.ResolutionContext.default().scope
    found = _Found(complete=not problems)
    for document in documents:
        problems += _sort_in(document, scope, found)
    deployment, more = deployment_from(found.models, found.connections, where=shown, complete=found.complete)
    return (None if problems else deployment), sorted({*problems, *more})


def _sort_in(document: Document, scope: Mapping[str, Any], found: _Found) -> list[Problem]:
    """Read one document into the place it belongs to; what is wrong with its outermost keys."""
    problems = [_at(document, where, message) for where, message in _outer_mistakes(document.value)]
    if problems:
        found.complete = False
    type_name = document.value.get("type") if isinstance(document.value, dict) else None
    model = _TYPES.get(type_name) if isinstance(type_name, str) else None
    attributes = document.value.get("attributes") if model else None
    if model is None or not isinstance(attributes, dict if problems else dict | None):
        return problems
    written = Written(document.shown, attributes, _below_attributes(document))
    if model is Connection:
        found.connections.append(read(written, Connection, scope))
    elif model is DropFolders:
        found.connections.append(read(written, DropFolders, scope))
    else:
        found.models.append(read(written, CustomerModelConfig, scope))
    return problems


def _outer_mistakes(value: Any) -> Iterable[tuple[Location, str]]:
    if value is None:
        yield (), "this document is empty; remove a `---` too many"
    elif not isinstance(value, dict):
        yield (), "a component is a mapping with the keys type and attributes"
    else:
        for key in value:
            if key not in _DOCUMENT_KEYS:
                yield (key,), unknown_key(key, "the component", _DOCUMENT_KEYS)
        if not isinstance(value.get("attributes"), dict | None):
            yield ("attributes",), "attributes must be a mapping (key: value)"
        if "type" not in value:
            yield (), f"missing key 'type'; accepted here: {listed(_SHORT_TYPES)}"
        elif not _is_known_type(value["type"]):
            near = nearest_first(str(value["type"]), _SHORT_TYPES)
            yield ("type",), f"unknown component type {value['type']!r}; accepted: {listed(near)}"


def _is_known_type(name: Any) -> bool:
    """Whether it is ours, or a component of somebody else that Dagster will find."""
    if not isinstance(name, str):
        return False
    package, _, last = name.rpartition(".")
    if name in _TYPES or name.startswith("."):
        return True
    if not package or not last or package.split(".")[0] == _PACKAGE:
        return False
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _at(document: Document, location: Location, message: str) -> Problem:
    return Problem(document.shown, line_of(document.lines, location), message)


def _below_attributes(document: Document) -> dict[Location, int]:
    lines = {where[1:]: line for where, line in document.lines.items() if where[:1] == ("attributes",)}
    return {(): document.lines[()], **lines}


def _exactly_one(models: Sequence[Reading[CustomerModelConfig]], where: str, *, complete: bool) -> Iterable[Problem]:
    if not models and complete:
        yield Problem(where, 0, f"no customer model; one file must have type: {_PACKAGE}.CustomerModel")
    for extra in models[1:]:
        first = models[0].written.problem((), "")
        told = f"; the first is {first.path}:{first.line}" if first.path else ""
        yield extra.written.problem((), f"a second customer model{told}; a warehouse has exactly one")


def _unread(model: Reading[CustomerModelConfig] | None) -> Unread:
    if model is None:
        return Unread(model=True)
    lost = frozenset(_KINDS[part] for part in model.lost)
    none: frozenset[str] = frozenset()
    return Unread(
        properties=model.unread.get("properties", none),
        segments=model.unread.get("segments", none),
        lifecycles=model.unread.get("lifecycles", none),
        event_types=model.unread.get("event_types", none),
        group_types=model.unread.get("group_types", none),
        objectives=model.unread.get("objectives", none),
        lost=lost,
    )


def _cross_problems(
    models: Sequence[Reading[CustomerModelConfig]], connections: Sequence[ConnectionReading], *, complete: bool
) -> Iterable[Problem]:
    """What the cross rules find, except where something worse is already known."""
    first = models[0] if models else None
    empty = CustomerModelConfig.model_construct(properties=())
    known: tuple[Any, ...] = tuple(connection_of(part.readable) for part in connections)
    # What could not even be recognised may be a connection.
    deployment = Deployment.model_construct(
        model=first.readable if first else empty, connections=known if complete else (*known, UNREAD)
    )
    findings = check(deployment, _unread(first))
    if first:
        findings += _sql_findings(first, findings)
    for finding in findings:
        part: Reading[Any] | None = first if finding.connection is None else connections[finding.connection]
        if part is None:
            continue
        place = drop_place(finding.location) if isinstance(part.readable, DropFolders) else part.place(finding.location)
        if place not in {where for where, _ in part.mistakes}:
            yield part.written.problem(place, finding.message)


def _sql_findings(model: Reading[CustomerModelConfig], findings: Sequence[Finding]) -> list[Finding]:
    """What is wrong with SQL; it is held against the tables if all they are made of is right."""
    found = [finding.location for finding in findings if finding.connection is None]
    wrong = any(not place or place[0] in _MADE_OF for place in (*found, *dict(model.mistakes)))
    fits = not (wrong or model.lost & _MADE_OF)
    return [Finding("model", *place) for place in written_places(model.readable, complete=fits)]
