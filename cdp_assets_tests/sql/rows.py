"""Rows of texts as the step that data processors begin with."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cdp_assets.config.processors import Processor
from cdp_assets.sql.text import Sql, Step, joined, literal, sql

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
AT = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
CELLS = st.none() | st.text("abA1|; -'éß\t", max_size=10)


def read(*processors):
    return [Processor.model_validate(processor) for processor in processors]


def cells(rows, fields):
    values = []
    for number, row in enumerate(rows, start=2):
        texts = [sql("{text}::VARCHAR", text=literal(row[field] or None)) for field in fields]
        values.append(sql("({cells})", cells=joined(", ", [literal(number), *texts])))
    names = Sql(", ".join(["line_no", *[f"f{number}" for number in range(len(fields))]]))
    return Step("cells", sql("SELECT * FROM (VALUES {v}) AS t({n})", v=joined(", ", values), n=names))
