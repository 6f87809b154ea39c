"""Typed cells against Python's own numbers, and rows against plain rules."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets_tests.oracle.cells import said
from cdp_assets_tests.oracle.described import Property
from cdp_assets_tests.support.arrivals import arrivals
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

SLOW_IS_FINE = [HealthCheck.too_slow]
TARGETS = (
    (Property("as_text"), "set"),
    (Property("as_email", "email"), "set"),
    (Property("as_number", "number"), "set"),
    (Property("as_total", "number"), "sum"),
    (Property("as_whole", "decimal", scale=0), "set"),
    (Property("as_money", "decimal", scale=2), "set"),
    (Property("as_spend", "decimal", scale=4), "sum"),
    (Property("as_list", "decimal", multiple=True, scale=1), "add"),
)
DAY = Property("as_day", "datetime")

digits = st.text("0159", min_size=1, max_size=21)
sign = st.sampled_from(["", "", "-", "+"])
fraction = st.one_of(
    st.just(""),
    st.text("0159", min_size=1, max_size=6).map(".{}".format),
    st.builds(".{}5{}".format, st.text("0123459", max_size=4), st.text("0", max_size=3)),
    st.text("01", min_size=30, max_size=45).map(".{}".format),
)
grouped = st.lists(st.text("015", min_size=3, max_size=3), min_size=1, max_size=7).map(",".join)
numbers = st.one_of(
    st.builds("{}{}{}".format, sign, digits, fraction),
    st.builds("{}{},{}{}".format, sign, st.text("019", min_size=1, max_size=4), grouped, fraction),
    st.text("059,.+-", min_size=1, max_size=6),
    st.sampled_from(["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809.0"]),
    st.text("0", min_size=1, max_size=50).map("{}1".format),
)
atom = st.text("abZÉ1.+_-", min_size=1, max_size=5)
emails = st.one_of(
    st.builds("{}@{}.{}".format, atom, atom, st.sampled_from(["de", "x", "Com", "c-m", "-m", "ü1"])),
    st.builds("a@{}.com".format, st.text("b", min_size=62, max_size=65)),
    st.builds("{}@b.com".format, st.text("a", min_size=245, max_size=250)),
    st.text("a@.b ", max_size=6),
)
cells = st.one_of(numbers, emails, st.lists(numbers, max_size=3).map("|".join), st.text("|1a ,", max_size=6))
days = st.one_of(
    st.builds("{:04}-{:02}-{:02}".format, st.integers(1900, 2100), st.integers(0, 13), st.integers(0, 32)),
    st.builds("2026-02-28T{:02}:{:02}".format, st.integers(0, 25), st.integers(0, 61)),
    st.builds("2026-02-28 23:{:02}:{:02}".format, st.integers(0, 61), st.integers(0, 61)),
    st.sampled_from(["", "2026-2-1", "20260101x", "yesterday", "2026-01-01T", "0001-01-01", "9999-12-31"]),
)
blanks = st.text(" \t", max_size=2)


def cell_text(cell: str, before: str, after: str, *, quoted: bool) -> tuple[str, str]:
    """How the cell stands in the file, and what it says: blanks count only inside quotes."""
    if quoted:
        return f'{after}"{before}{cell}{after}"{before}', f"{before}{cell}{after}"
    return f"{before}{cell}{after}", cell.strip(" \t")


lines = st.builds(
    lambda cell, day, before, after, quoted: (*cell_text(cell, before, after, quoted=quoted or "," in cell), day),
    cells,
    days,
    blanks,
    blanks,
    st.booleans(),
)


def setup(point: str = ".") -> dict[str, object]:
    mappings = [{"column": "cell", "property": prop.name, "rule": rule} for prop, rule in TARGETS]
    return {
        "type": "import_profiles",
        "name": "g",
        "allow_create": True,
        "files": {"root": "g_*.csv", "delta": True},
        "format": {"decimal": point},
        "identifiers": [{"column": "row", "property": "row"}],
        "mappings": [*mappings, {"column": "day", "property": "as_day"}],
    }


def properties() -> list[dict[str, object]]:
    listed = [{"name": "row"}, {"name": "as_day", "type": "datetime"}]
    for prop, _ in TARGETS:
        scale = {"precision": prop.scale} if prop.type == "decimal" else {}
        listed.append({"name": prop.name, "type": prop.type, "multiple": prop.multiple} | scale)
    return listed


def check_cells(rows: list[tuple[str, str, str]], point: str) -> None:
    """Every cell becomes what the oracle reads in it, under every type at once."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "source", deployment(properties(), [setup(point)]))
        text = "".join(f"{number},{written},{day}\n" for number, (written, _, day) in enumerate(rows, start=1))
        batch = lab.land("g", "g_1.csv", "row,cell,day\n" + text)
        expected, bad = [], 0
        for number, (_, cell, day) in enumerate(rows, start=1):
            results = [said(cell, prop, rule, point=point) for prop, rule in TARGETS]
            results.append(said(day, DAY, "set"))
            bad += sum(result.invalid for result in results)
            expected.append((str(number), *(result.values for result in results)))
        names = ", ".join(["row", *(prop.name for prop, _ in TARGETS), "as_day"])
        with arrivals(lab, Path(folder) / "one") as room:
            room.deliver(batch)
            (entry,) = room.fold().folded
            found = room.rows(f"SELECT {names} FROM main.profiles ORDER BY row::BIGINT")
        listed = [(row, *(_as_tuple(value) for value in values)) for row, *values in found]
        assert listed == expected
        assert entry["cells_rejected"] == bad


def _as_tuple(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


rows_of_cells = st.lists(lines, min_size=1, max_size=40)


@settings(deadline=None, derandomize=True, max_examples=8, suppress_health_check=SLOW_IS_FINE)
@example([('" a@x.com "', " a@x.com ", ""), ('"|"', "|", ""), ("0.5", "0.5", ""), ("-1.5", "-1.5", "")], ".")
@given(rows_of_cells, st.sampled_from([".", ","]))
def test_cells_become_the_values_the_plain_rules_give(rows, point):
    check_cells(rows, point)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(deadline=None, derandomize=True, max_examples=drawn(75), suppress_health_check=SLOW_IS_FINE)
@given(rows_of_cells, st.sampled_from([".", ","]))
def test_many_cells_become_the_values_the_plain_rules_give(rows, point):
    check_cells(rows, point)


def test_totals_are_exact_over_many_files(tmp_path):
    goal = setup() | {"mappings": [{"column": "cell", "property": "as_spend", "rule": "sum"}]}
    lab = Lab(tmp_path, deployment(properties(), [goal]))
    for day in range(10):
        lab.land("g", f"g_{day}.csv", "row,cell\n" + "1,0.1\n" * 10, look_at=EPOCH + timedelta(days=day))
    lab.fold()
    assert lab.rows("SELECT as_spend = 10 FROM main.profiles") == [(True,)]
