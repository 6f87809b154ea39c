"""How many of something, in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cdp_assets
from cdp_assets.counted import counted, first_of


@pytest.mark.parametrize(
    ("number", "nouns", "told"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("batch", "batches"), "2 batches"),
        (1, ("batch", "batches"), "1 batch"),
        (12_345, ("row",), "12,345 rows"),
    ],
)
def test_one_of_a_thing_is_told_otherwise_than_several(number, nouns, told):
    assert counted(number, *nouns) == told


@pytest.mark.parametrize(("there", "told"), [(0, 0), (3, 3), (4, 4), (5, 3)])
def test_one_alone_is_never_left_out(there, told):
    assert len(first_of(range(there), 3)) == told


def test_nothing_leaves_it_to_the_reader_whether_it_is_one_or_several():
    sources = Path(cdp_assets.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if re.search(r"\w\(e?s\)", path.read_text(encoding="utf-8"))] == []
