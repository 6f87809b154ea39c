"""Events and items whose rows stand in linked files: the relations their fields are typed from.

Reads   cells_ready, rows_<alias>, ready_<alias> (see `linking`)
Gives   of events: root_row, line_no, and the fields of their own row and of the root row, side by side
        of items: owner (line of the event's row), line_no, and the fields of their row
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from cdp_assets.config.linked import LinkedFile
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.linking import Link, key_column, table_of
from cdp_assets.sql.text import Sql, comma, ident, joined, sql


def chain_below(linked: Sequence[LinkedFile], owner: str | None, alias: str) -> list[str] | None:
    """Aliases on the way from a file down to one below it, that one last; None = it is not below it."""
    parents = {link.name: link.parent for link in linked}
    way = [alias]
    while parents[way[0]] != owner:
        parent = parents[way[0]]
        if parent is None:
            return None
        way.insert(0, parent)
    return way


def prefixed(alias: str, columns: Mapping[str, Sql]) -> dict[str, Sql]:
    """Columns of a linked file, as mappings name them."""
    return {f"{alias}.{name}": column for name, column in columns.items()}


def event_cells(alias: str, own: Mapping[str, Sql], root: Cells) -> Cells:
    """The cells of a linked file's rows, once for each root row they belong to, with those of the root row."""
    columns = [Sql("rows.root_line"), Sql("rows.line_no")]
    named: dict[str, Sql] = {}
    for place, (name, column) in enumerate(prefixed(alias, own).items()):
        named[name] = ident(f"own_{place}")
        columns.append(sql("own.{column} AS {name}", column=column, name=named[name]))
    for place, (name, column) in enumerate(root.columns.items()):
        named.setdefault(name, ident(f"root_{place}"))
        columns.append(sql("root.{column} AS {name}", column=column, name=ident(f"root_{place}")))
    relation = sql(
        "(SELECT {columns}, numbered.root_row FROM {rows} AS rows JOIN {ready} AS own USING (line_no)"
        " JOIN {root} AS root ON root.line_no = rows.root_line JOIN root_rows AS numbered USING (root_line))",
        columns=comma(columns),
        rows=table_of("rows", alias),
        ready=table_of("ready", alias),
        root=root.relation,
    )
    return replace(root, relation=relation, columns=named, line=Sql("line_no"))


def numbered_cells(root: Cells) -> Cells:
    """The cells of the root's rows with `root_row`."""
    relation = sql(
        "(SELECT root.*, root_row FROM {root} AS root JOIN root_rows ON root_line = root.line_no)", root=root.relation
    )
    return replace(root, relation=relation)


def with_columns_below(
    cells: Cells, links: Mapping[str, Link], found: Sequence[tuple[Sequence[str], Mapping[str, Sql]]], *, rooted: bool
) -> Cells:
    """The cells with those of rows below beside them: of several rows the last cell that is not empty.

    `found`: ways as `chain_below` gives them, each with the wanted columns of its last file, as mappings name them.
    `rooted`: whether the rows are the root's.
    """
    columns, joins, named = [Sql("base.*")], [], dict(cells.columns)
    for number, (way, wanted) in enumerate(found):
        table = ident(f"below_{number}")
        lasts = []
        for place, (name, column) in enumerate(wanted.items()):
            named[name] = ident(f"below_{number}_{place}")
            lasts.append(sql("arg_max({cell}, line_no) AS {name}", cell=column, name=named[name]))
            columns.append(sql("{table}.{name}", table=table, name=named[name]))
        joins.append(
            sql(
                "LEFT JOIN (SELECT owner, {lasts} FROM ({pairs}) AS pairs JOIN {ready} USING (line_no) GROUP BY owner)"
                " AS {table} ON {table}.owner = base.line_no",
                lasts=comma(lasts),
                pairs=rows_below(links, way, rooted=rooted),
                ready=table_of("ready", way[-1]),
                table=table,
            )
        )
    relation = sql(
        "(SELECT {columns} FROM {base} AS base\n{joins})",
        columns=comma(columns),
        base=cells.relation,
        joins=joined("\n", joins),
    )
    return replace(cells, relation=relation, columns=named)


def rows_below(links: Mapping[str, Link], way: Sequence[str], *, rooted: bool) -> Sql:
    """Owner and line_no of the rows at the end of a way."""
    if rooted:
        return sql("SELECT root_line AS owner, line_no FROM {rows}", rows=table_of("rows", way[-1]))
    return _pairs(links, way)


def item_cells(pairs: Sql, alias: str, own: Mapping[str, Sql]) -> Cells:
    """The cells of the rows below each row of an event's source.

    Args:
        pairs: as `rows_below` or `once_for_each_event` gives them.
        alias: the file of these rows.
        own: its columns.
    """
    named = prefixed(alias, own)
    columns = [
        sql("own.{column} AS {name}", column=column, name=ident(f"own_{place}"))
        for place, column in enumerate(named.values())
    ]
    relation = sql(
        "(SELECT {columns} FROM ({pairs}) AS pairs JOIN {ready} AS own USING (line_no))",
        columns=comma([Sql("pairs.owner"), Sql("pairs.line_no"), *columns]),
        pairs=pairs,
        ready=table_of("ready", alias),
    )
    return Cells(
        relation, {name: ident(f"own_{place}") for place, name in enumerate(named)}, Sql("line_no"), trimmed=True
    )


def same_events(rows: Sql, cells: Sequence[Sql]) -> Sql:
    """Line of each row as `owner`, and a value that rows of one event share. `cells`: those that tell it."""
    texts = joined(", ", [sql("coalesce({cell}, '')", cell=cell) for cell in cells])
    return sql("SELECT line_no AS owner, [{texts}] AS same FROM {rows}", texts=texts, rows=rows)


def are_shared(pairs: Sql) -> Sql:
    """Whether some row below belongs to several rows."""
    return sql("SELECT count(*) > count(DISTINCT line_no) FROM ({pairs})", pairs=pairs)


def once_for_each_event(pairs: Sql, events: Sql) -> Sql:
    """Of `pairs` those of the first row of each event. `events`: as `same_events` gives them."""
    return sql(
        "SELECT pairs.owner, pairs.line_no FROM ({pairs}) AS pairs JOIN ({events}) AS event USING (owner)"
        " QUALIFY row_number() OVER (PARTITION BY pairs.line_no, event.same ORDER BY pairs.owner) = 1",
        pairs=pairs,
        events=events,
    )


def _pairs(links: Mapping[str, Link], way: Sequence[str]) -> Sql:
    """Lines of a linked file and of the rows below it, over the files between them."""
    first = links[way[0]]
    assert first.parent is not None
    query = sql(
        "SELECT parent.line_no AS owner, child.line_no FROM {parent} AS parent JOIN {child} AS child"
        " ON parent.{above} = child.{below}",
        parent=table_of("ready", first.parent),
        child=table_of("ready", way[0]),
        above=key_column(first.parent_place),
        below=key_column(first.place),
    )
    for before, alias in pairwise(way):
        link = links[alias]
        query = sql(
            "SELECT DISTINCT pairs.owner, child.line_no FROM ({pairs}) AS pairs JOIN {parent} AS parent USING (line_no)"
            " JOIN {child} AS child ON parent.{above} = child.{below}",
            pairs=query,
            parent=table_of("ready", before),
            child=table_of("ready", alias),
            above=key_column(link.parent_place),
            below=key_column(link.place),
        )
    return query


def number_roots(batch: Sql) -> Sql:
    """Makes `root_rows`: which row of the batch stands on which line of the root file."""
    return sql(
        "CREATE OR REPLACE TABLE root_rows AS SELECT line_no AS root_line, file_row_number AS root_row FROM {batch}",
        batch=batch,
    )
