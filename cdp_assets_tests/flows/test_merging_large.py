"""Merging against union-find: many rows, and shapes that are bad for whoever compares everything with everything."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest

from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

ROWS = 100_000
GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "format": {"multi_value": "|"},
    "identifiers": [{"column": "id", "property": "id"}, {"column": "card", "property": "card"}],
    "allow_create": True,
    "mappings": [{"column": "n", "property": "seen", "rule": "sum"}],
}
PROPERTIES = [
    {"name": "id", "multiple": True},
    {"name": "card", "multiple": True},
    {"name": "seen", "type": "number"},
]
Row = tuple[Sequence[str], Sequence[str]]
"""Values of the two identifiers."""


def groups_of(rows: Iterable[Row]) -> dict[tuple[str, str], tuple[str, str]]:
    """Every (property, value) and one that stands for all it is joined with."""
    above: dict[tuple[str, str], tuple[str, str]] = {}

    def top(item):
        above.setdefault(item, item)
        while above[item] != item:
            above[item] = above[above[item]]
            item = above[item]
        return item

    for ids, cards in rows:
        first, *others = [("id", value) for value in ids] + [("card", value) for value in cards]
        above.setdefault(first, first)
        for other in others:
            above[top(other)] = top(first)
    return {item: top(item) for item in list(above)}


def fold_rows(lab: Lab, *files: Sequence[Row]) -> None:
    for number, rows in enumerate(files):
        at = EPOCH + timedelta(days=number)
        lines = [f"{'|'.join(ids)},{'|'.join(cards)},1" for ids, cards in rows]
        content = "\n".join(["id,card,n", *lines]) + "\n"
        lab.land("people", f"people_2026-01-{number + 1:02}.csv", content, look_at=at, modified_at=at)
    lab.fold()


def assert_joined(lab: Lab, rows: Sequence[Row]) -> None:
    """Two values belong to one profile exactly if some rows lead from one to the other."""
    groups = groups_of(rows)
    held = lab.rows("SELECT property, value, profile_id FROM main.identifiers")
    assert {(name, value) for name, value, _ in held} == set(groups)
    assert len(held) == len(groups), "a value finds two profiles"
    profile_of = {(name, value): profile_id for name, value, profile_id in held}
    assert len({(group, profile_of[item]) for item, group in groups.items()}) == len(set(groups.values()))
    assert lab.rows("SELECT count(*), sum(seen) IS NOT NULL FROM main.profiles") == [(len(set(groups.values())), True)]


def lab_without_limit(tmp_path) -> Lab:
    return Lab(tmp_path, deployment(PROPERTIES, [GOAL], merging={"limit": None}))


def singles(count: int) -> list[Row]:
    return [((f"v{number}",), ()) for number in range(count)]


def chain(count: int) -> list[Row]:
    return [((f"v{number}", f"v{number + 1}"), ()) for number in range(count - 1)]


def star(count: int) -> list[Row]:
    return [(("v0", f"v{number}"), ()) for number in range(1, count)]


def backwards(count: int) -> list[Row]:
    """Each row joins all so far to somebody made earlier still."""
    return chain(count)[::-1]


def scattered(count: int) -> list[Row]:
    chosen = random.Random(7)
    values = range(count)
    return [((f"v{chosen.choice(values)}",), (f"c{chosen.choice(values)}",)) for _ in range(count * 6 // 10)]


SHAPES = {"chain": chain, "star": star, "backwards": backwards, "scattered": scattered}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("made_before", [True, False])
def test_values_are_joined_as_union_find_joins_them(tmp_path, shape, made_before):
    lab, rows = lab_without_limit(tmp_path), SHAPES[shape](300)
    files = [singles(300), rows] if made_before else [singles(300) + rows[:50], rows[50:]]
    fold_rows(lab, *files)
    assert_joined(lab, [row for file in files for row in file])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_hundred_thousand_rows_are_joined_in_bounded_time(tmp_path, shape):
    lab, rows = lab_without_limit(tmp_path), SHAPES[shape](ROWS)
    fold_rows(lab, singles(ROWS), rows)
    assert_joined(lab, singles(ROWS) + rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_value_that_every_row_names_costs_no_more(tmp_path):
    lab = lab_without_limit(tmp_path)
    rows = [(("same", f"v{number}"), (f"c{number}",)) for number in range(ROWS)]
    fold_rows(lab, rows[: ROWS // 2], rows[ROWS // 2 :])
    assert_joined(lab, rows)
