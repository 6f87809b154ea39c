"""How many examples the slow tests draw: enough for every change, and more for a night."""

from __future__ import annotations

import os


def drawn(count: int) -> int:
    """So many, times `TEST_EXAMPLES` of the environment where that is set; at least one."""
    return max(1, round(count * float(os.environ.get("TEST_EXAMPLES", "1"))))
