"""`python -m cdp_assets backfill`: how a partition may be written."""

from __future__ import annotations

import pytest

from cdp_assets.commands.backfill import label_of
from cdp_assets.config.files import Files

DAYS = ("20261101", "20261102")


@pytest.mark.parametrize(
    ("known", "name", "label"),
    [
        (DAYS, "2026-11-01", "20261101"),
        (DAYS, "2026-11-30", "20261130"),
        (DAYS, "20261101", "20261101"),
        (DAYS, "2026-11", "2026-11"),
        (("2026-11-01",), "2026-11-01", "2026-11-01"),
        (("1", "2"), "2026-11-01", "2026-11-01"),
    ],
)
def test_a_day_may_be_written_with_dashes(known, name, label):
    assert label_of(Files(root="a_*.csv"), known, name) == label
