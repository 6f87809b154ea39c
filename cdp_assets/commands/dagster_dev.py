"""Dagster's own `dev` in a process of its own, without a warning that does not apply: `dev` starts it.

Dagster warns of a `dagster.yaml` in the working directory that stands outside DAGSTER_HOME, as it reads the one
inside. Where both say the same, there is nothing to warn of.
"""

from __future__ import annotations

import logging
import os
import runpy
from pathlib import Path

from cdp_assets.commands.dagster_home import HOME_VARIABLE

_UNUSED = "Found a dagster instance configuration value"
"""How the warning of Dagster 1.13 begins; `test_ui` tells when it is another."""


def says_what_is_so(record: logging.LogRecord) -> bool:
    """Whether a line of Dagster's log is to be written."""
    if not record.getMessage().startswith(_UNUSED):
        return True
    own, read = Path("dagster.yaml"), Path(os.environ.get(HOME_VARIABLE, "")) / "dagster.yaml"
    return not (own.exists() and read.exists() and own.read_bytes() == read.read_bytes())


if __name__ == "__main__":
    logging.getLogger("dagster").addFilter(says_what_is_so)
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)
