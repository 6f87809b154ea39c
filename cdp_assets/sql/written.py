"""What may be said of SQL that an analyst wrote into a condition: its forms, and what keeps it from being one.

The engine's own parser tells what a text is (`json_serialize_sql`); nothing here reads SQL by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from cdp_assets.sql.text import Sql, sql

RUN_START = "now"
"""Name of the only parameter there is: `$now`."""
TREE = Sql("SELECT json_serialize_sql(?)")
UNSTEADY = Sql(
    "SELECT function_name FROM duckdb_functions() WHERE stability IS NOT NULL GROUP BY function_name"
    " HAVING bool_and(stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')) ORDER BY 1"
)
"""Functions whose answer depends on more than what they are given, such as the clock.

Of some, DuckDB 2.0 says so for the forms that ask a calendar in a time zone; that is always UTC here.
"""
_ROWS_WITHOUT_FILES = frozenset({"unnest", "range", "generate_series", "generate_subscripts"})
_CLOCK_WORDS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
"""Functions of the clock that are written like columns."""
Tree = dict[str, Any]


def as_expression(text: str) -> str:
    """The statement that a text is one expression in; the line ends a comment of its own."""
    return f"SELECT (\n{text}\n)"


def shape(text: str, *, is_select: bool) -> Sql:
    """A statement that tells the columns of a condition with their types, and fails where its names do not fit.

    It must have passed `faults`.
    """
    if is_select:
        return sql("DESCRIBE SELECT * FROM (\n{text}\n)", text=Sql(text))
    return sql("DESCRIBE SELECT profile_id, (\n{text}\n) FROM main.profiles", text=Sql(text))


def misfit(types: list[str], *, is_select: bool) -> str:
    """What is wrong with the types that `shape` told; empty = nothing."""
    if is_select:
        good = types == ["UUID"]
        return "" if good else f"must give one column, profile_id; it gives {', '.join(types).lower()}"
    return "" if types[1] == "BOOLEAN" else f"must be true or false for each profile; it is {types[1].lower()}"


def faults(tree: Tree, unsteady: Collection[str], *, is_select: bool) -> Iterator[str]:
    """What keeps a parsed text from being a condition: each fault once, in words for its author."""
    if tree["error"]:
        told = f"cannot be read as SQL: {tree['error_message']}"
        yield "can only read, by a SELECT or an expression" if tree["error_type"] == "not implemented" else told
        return
    statements = tree["statements"]
    if len(statements) != 1 or not (is_select or _is_one_expression(statements[0]["node"])):
        yield "must be one SELECT of profile_id, or one expression that is true or false"
        return
    yield from dict.fromkeys(fault for node in _nodes(statements[0]) if (fault := _fault(node, unsteady)))


def _is_one_expression(node: Tree) -> bool:
    """Whether nothing else came into the SELECT that was put around an expression."""
    clauses = ("where_clause", "having", "qualify", "sample", "modifiers", "group_expressions")
    is_plain = node["type"] == "SELECT_NODE" and not any(node[clause] for clause in clauses)
    return is_plain and len(node["select_list"]) == 1 and node["from_table"]["type"] == "EMPTY"


def _nodes(tree: object) -> Iterator[Tree]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)


def _fault(node: Tree, unsteady: Collection[str]) -> str:
    match node.get("type"):
        case "TABLE_FUNCTION":
            name = node["function"].get("function_name")
            return "" if name in _ROWS_WITHOUT_FILES else f"may read tables only, not {name}()"
        case "VALUE_PARAMETER":
            name = node["identifier"]
            return "" if name == RUN_START else f"has an unknown parameter ${name}; there is $now, the start of the run"
        case "FUNCTION":
            name = node["function_name"].lower()
            of_today = name in unsteady or (name == "age" and len(node["children"]) == 1)
            return _of_today(f"{name}()") if of_today else ""
        case "COLUMN_REF":
            name = node["column_names"][-1].lower()
            return _of_today(name) if name in _CLOCK_WORDS else ""
    return "may not leave anything to chance, as a sample does" if node.get("sample") else ""


def _of_today(name: str) -> str:
    return f"may not use {name}, which changes by itself; write $now for the start of the run"
