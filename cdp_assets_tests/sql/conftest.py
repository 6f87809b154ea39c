"""One engine for the tests of SQL text, and a way to see what an expression makes of some texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from cdp_assets.sql.processing import processing_steps
from cdp_assets.sql.text import Sql, chain, ident, joined, literal, sql
from cdp_assets.warehouse import Database, scratch
from cdp_assets_tests.sql.rows import AT, cells, read

Evaluate = Callable[[Callable[[Sql], Sql], Sequence[str | None]], list[Any]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Database]:
    with scratch() as database:
        yield database


@pytest.fixture(scope="session")
def evaluate(engine: Database) -> Evaluate:
    """Values of an expression over a column of texts, in their order."""

    def run(expression: Callable[[Sql], Sql], texts: Sequence[str | None]) -> list[Any]:
        rows = joined(", ", [sql("({n}, {t})", n=literal(n), t=literal(text)) for n, text in enumerate(texts)])
        query = sql(
            "SELECT {e} FROM (VALUES {rows}) AS given(n, t) ORDER BY n", e=expression(Sql("t::VARCHAR")), rows=rows
        )
        return [value for (value,) in engine.rows(query)]

    return run


@pytest.fixture
def process(engine):
    """Rows as mappings of field to text, through processors; `line_no` tells which rows are left."""

    def run(rows, *processors):
        fields = list(rows[0])
        columns = {field: Sql(f'"f{number}"') for number, field in enumerate(fields)}
        processed = processing_steps(read(*processors), columns, "cells", AT)
        found = [(field, processed.columns[field]) for field in processed.columns]
        final = sql(
            "SELECT line_no, {columns} FROM {last}",
            columns=joined(", ", [column for _, column in found]),
            last=ident(processed.result),
        )
        names = ["line_no", *[field for field, _ in found]]
        answers = engine.rows(chain([cells(rows, fields), *processed.steps], final))
        return [dict(zip(names, answer, strict=True)) for answer in answers]

    return run


@pytest.fixture
def column(process):
    """What becomes of the field `a`."""
    return lambda texts, *processors: [row["a"] for row in process([{"a": text} for text in texts], *processors)]
