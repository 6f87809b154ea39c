"""Every page with commands is followed by a reader who types them: each one in a project of its own."""

import shutil
from pathlib import Path

import pytest

from cdp_assets_tests.documents.blocks import DOCUMENTS, blocks
from cdp_assets_tests.documents.conftest import PRINTED
from cdp_assets_tests.documents.hints import AT_THE_END, HINTS, SERVED
from cdp_assets_tests.documents.walk import walking

QUICK = {"benchmarks.md", "querying.md"}
"""Pages of one or two commands."""
WITH_COMMANDS = [document for document in DOCUMENTS if any(block.typed for block in blocks(document))]


def marked(document):
    marks = [pytest.mark.timeout(1500)] if document.name in QUICK else [pytest.mark.slow, pytest.mark.timeout(1500)]
    return pytest.param(document, id=document.name, marks=marks)


@pytest.mark.parametrize("document", [marked(document) for document in WITH_COMMANDS])
def test_a_page_can_be_followed(document, demo: Path, tmp_path: Path):
    project = tmp_path / "project"
    shutil.copytree(demo, project, symlinks=True)
    hints = [hint for hint in HINTS if hint.page == document.name]
    # The demo was typed already where a page begins with it.
    printed = {"make demo": (demo / PRINTED).read_text()} if document.name == "README.md" else {}
    with walking(document, project) as walk:
        walk.follow(hints, SERVED, printed)
        if document.name in AT_THE_END:
            AT_THE_END[document.name](walk)


def test_every_hint_is_of_a_page_with_commands():
    assert {hint.page for hint in HINTS} | set(AT_THE_END) <= {document.name for document in WITH_COMMANDS}


def test_every_command_that_is_started_and_stopped_is_there():
    lines = [line for document in DOCUMENTS for block in blocks(document) for line in block.text.splitlines()]
    assert set(SERVED) <= set(lines)
