"""Reads the SQL that analysts wrote into conditions: what it is, and what keeps it from being a condition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cdp_assets.config.conditions import Path, sql_texts
from cdp_assets.config.events import STANDARD_TYPES, whole_types
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.segments import Segment
from cdp_assets.config.unread import as_far_as_read
from cdp_assets.errors import WarehouseError
from cdp_assets.sql import interactions, schema, tables
from cdp_assets.sql.event_tables import event_tables
from cdp_assets.sql.members import members_view
from cdp_assets.sql.text import Sql
from cdp_assets.sql.written import RUN_START, TREE, UNSTEADY, Tree, as_expression, faults, misfit, shape
from cdp_assets.warehouse import Database, scratch

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Written:
    """What the SQL of some segments or lifecycles is."""

    selects: frozenset[str]
    """Texts that are a SELECT of profile ids."""
    with_now: frozenset[str]
    """Those that ask for the start of the run."""
    mistakes: tuple[tuple[str, str], ...]
    """Segment or lifecycle, and what is wrong there."""


def read_written(database: Database, texts: Iterable[tuple[str, str]]) -> Written:
    """Reads SQL with the engine that will run it. `texts`: the name of a segment or lifecycle, and what it says."""
    found = [(name, _Text(database, text)) for name, text in texts]
    return Written(
        frozenset(text.text for _, text in found if text.is_select),
        frozenset(name for name, text in found if text.has_now),
        tuple((name, told) for name, text in found for told in text.faults),
    )


def written_places(model: CustomerModelConfig, *, complete: bool) -> Iterator[tuple[Path, str]]:
    """Every mistake in SQL of the model's segments and lifecycles that can be found without its warehouse.

    Where all that tables are made of could be read (`complete`), names and types are held against empty ones, too.
    """
    owners: dict[str, Sequence[Segment | Lifecycle]] = {"segments": model.segments, "lifecycles": model.lifecycles}
    texts = [
        ((part, index, *where), text)
        for part, listed in owners.items()
        for index, owner in enumerate(listed)
        for where, text in as_far_as_read(one for one in sql_texts(owner) if one[1])
    ]
    if not texts:
        return
    with scratch() as database:
        if complete:
            _make_empty_tables(database, model)
        database.shut_out_files()
        for place, text in texts:
            read = _Text(database, text)
            told = read.faults or ([read.misfit()] if complete else [])
            yield from ((place, f"sql {word}") for word in told if word)


def _make_empty_tables(database: Database, model: CustomerModelConfig) -> None:
    database.run(Sql("CREATE SCHEMA ops"))
    kinds = whole_types(model.event_types, STANDARD_TYPES)
    groups = [tables.groups_table(kind.id, kind.properties) for kind in model.group_types]
    fixed = (*tables.DERIVED, *tables.MEMBERSHIPS, *tables.FACTS)
    for table in (tables.profiles_table(model.properties), *groups, *event_tables(kinds), *fixed):
        for statement in schema.create_table(table):
            database.run(statement)
    for statement in interactions.VIEW.statements():
        database.run(statement)
    for kind in model.group_types:
        links = [prop for prop in model.properties if prop.group_type == kind.id]
        for statement in members_view(kind.id, links):
            database.run(statement)


class _Text:
    """One text, as the engine's parser sees it: a statement of its own, or an expression in one."""

    def __init__(self, database: Database, text: str) -> None:
        self._database, self.text = database, text
        tree = self._tree(text)
        # An expression alone is no statement, whichever it is.
        self.is_select = not tree["error"] or tree["error_type"] == "not implemented"
        if not self.is_select:
            tree = self._tree(as_expression(text))
        unsteady = frozenset(name for (name,) in database.rows(UNSTEADY))
        self.faults = list(faults(tree, unsteady, is_select=self.is_select))
        self.has_now = not self.faults and bool(tree["statements"][0]["named_param_map"])

    def _tree(self, text: str) -> Tree:
        (found,) = self._database.row(TREE, [text])
        tree: Tree = json.loads(found)
        return tree

    def misfit(self) -> str:
        """What does not fit the tables there are; empty = nothing."""
        values = {RUN_START: _ANY_TIME} if self.has_now else ()
        try:
            rows = self._database.rows(shape(self.text, is_select=self.is_select), values)
        except WarehouseError as error:
            return "does not fit the tables: " + str(error).split("\n\nLINE", 1)[0].split("\nin the statement", 1)[0]
        return misfit([kind for _, kind, *_ in rows], is_select=self.is_select)
