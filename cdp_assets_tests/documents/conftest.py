"""One run of the demo for all tests of the documents, whichever process they run in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from cdp_assets_tests.documents.project import Shell, copy_project

PRINTED = "printed.txt"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which `make demo` was typed once; for looking at, not for changing."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    project = shared / "demo"
    with FileLock(shared / "demo.lock"):
        if not (project / PRINTED).exists():
            copy_project(project)
            printed = Shell(project).type("make demo")
            (project / PRINTED).write_text(printed)
    return project
