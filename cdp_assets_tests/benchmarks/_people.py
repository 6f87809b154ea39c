"""Made-up people, always the same: 11 columns, of which three identify, and the goal that imports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

COLUMNS = ("email", "crm", "phone", "first_name", "last_name", "city", "country", "tags", "spend", "visits", "seen_at")
IDENTIFIERS = ("email", "crm", "phone")
RULES = {"tags": "add", "spend": "sum", "visits": "sum"}
"""Column → merge rule; all others are set."""

PROPERTIES: list[dict[str, object]] = [
    {"name": "email", "type": "email"},
    *[dict[str, object](name=name) for name in ("crm", "phone", "first_name", "last_name", "city", "country")],
    {"name": "tags", "multiple": True},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "visits", "type": "number"},
    {"name": "seen_at", "type": "datetime"},
]


def write_people(path: Path, *numbers: range) -> None:
    """The people of these numbers as CSV, about 118 bytes each, in a shuffled order that is always the same."""
    wanted = " UNION ALL ".join(f"FROM range({part.start}, {part.stop}, {part.step}) AS r(i)" for part in numbers)
    duckdb.sql(
        f"""
        COPY (
            SELECT 'person' || i || '@example.com' AS email, 'C' || lpad(i::VARCHAR, 9, '0') AS crm,
                '+4420' || lpad((i % 100000000)::VARCHAR, 8, '0') AS phone, 'First' || i % 1000 AS first_name,
                'Last' || i % 5000 AS last_name, 'City' || i % 300 AS city, 'Country' || i % 40 AS country,
                't' || i % 7 || '|t' || i % 11 AS tags, (i % 100000 / 100.0)::DECIMAL(10, 2) AS spend,
                i % 9 AS visits, TIMESTAMP '2026-01-01' + to_seconds(i % 86400) AS seen_at
            FROM ({wanted}) ORDER BY md5(i::VARCHAR)
        ) TO '{path}' (HEADER)
        """
    )


def people_goal(
    name: str = "people",
    *,
    columns: Sequence[str] = COLUMNS,
    identifiers: Sequence[str] = IDENTIFIERS,
    rules: Mapping[str, str] = RULES,
) -> dict[str, object]:
    """A goal that imports files `<name>_*.csv` as deltas; any of the identifiers finds a profile, in their order."""
    return {
        "type": "import_profiles",
        "name": name,
        "allow_create": True,
        "files": {"root": f"{name}_*.csv", "delta": True, "keep_received": False},
        "identifiers": [{"column": column, "property": column} for column in identifiers],
        "mappings": [
            {"column": column, "property": column, "rule": rules.get(column, "set")}
            for column in columns
            if column not in identifiers
        ],
    }
