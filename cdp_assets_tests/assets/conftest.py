from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets_tests.assets.world import World, small_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A small shop of its own for each test."""
    with dg.DagsterInstance.ephemeral() as instance, small_shop(tmp_path, instance) as world:
        yield world
