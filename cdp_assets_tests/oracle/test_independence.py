"""The oracle may not know the code it judges."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULES = sorted(path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_"))
ALLOWED = {"__future__", "collections", "csv", "dataclasses", "datetime", "decimal", "hashlib", "hypothesis", "io"}
ALLOWED |= {"calendar", "re", "typing", "unicodedata", "zoneinfo", "cdp_assets_tests"}


def imported(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return names + [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_oracle_imports_plain_python_only(path):
    names = imported(path)
    assert {name.split(".")[0] for name in names} <= ALLOWED
    own = [name for name in names if name.startswith("cdp_assets_tests")]
    assert all(name.startswith("cdp_assets_tests.oracle.") for name in own)
    assert "import_module" not in path.read_text()
    assert "__import__" not in path.read_text()
