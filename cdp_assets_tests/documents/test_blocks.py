"""Each block of the documents is of a kind, and either run or listed with the reason why not."""

import re

import pytest

from cdp_assets_tests.documents.blocks import DOCUMENTS, KINDS, blocks, blocks_of
from cdp_assets_tests.documents.not_run import DRAWN, NOT_TYPED
from cdp_assets_tests.documents.printed import difference

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_every_block_says_its_kind(document):
    fences = re.findall(r"^\s*(?:```|~~~)", document.read_text(encoding="utf-8"), flags=re.M)
    assert len(fences) == 2 * len(blocks(document)), "a fence that is not ```kind … ```"
    assert [
        f"{block}: {block.language or 'no kind'}" for block in blocks(document) if block.language not in KINDS
    ] == []


def test_what_no_test_runs_is_listed_with_the_reason_and_nothing_else_is():
    drawn = {(block.page, block.text) for block in blocks_of("text")}
    listed = {(page, text) for page, text in drawn for key in DRAWN if key[0] == page and text.startswith(key[1])}
    assert listed == drawn
    assert len(DRAWN) == len(drawn)


def test_every_command_that_is_listed_as_not_typed_is_there():
    lines = {(block.page, line) for block in blocks_of("sh", "console") for line in block.text.splitlines()}
    assert set(NOT_TYPED) <= lines


def test_every_file_that_a_block_holds_is_named():
    assert [str(block) for block in blocks_of("csv") if not block.file] == []


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a  b\n───\n", "a b\n\n─────\n"),
        ("a\n…\nd\n", "a\nb\nc\nd\n"),
        ("…\nb\n…\n", "a\nb\n"),
        ("known: a, …\n", "known: a, b, c\n"),
        ("out/VIP_20261121211132.csv", "out/VIP_20270102030405.csv"),
    ],
)
def test_output_that_is_shown_as_it_was_printed_passes(shown, printed):
    assert difference(shown, printed) == ""


@pytest.mark.parametrize(
    ("shown", "printed"), [("a\n", "a\nb\n"), ("a\nb\n", "a\n"), ("a\n…\nc\n", "a\nb\n"), ("rows 5\n", "rows 6\n")]
)
def test_output_that_is_shown_otherwise_does_not(shown, printed):
    assert difference(shown, printed) != ""
