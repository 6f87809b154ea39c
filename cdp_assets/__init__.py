"""Customer data pipeline: SFTP files in, profiles and segments in DuckDB, exports out.

In YAML: `type: cdp_assets.SftpConnection`, `type: cdp_assets.DropFolders` and `type: cdp_assets.CustomerModel`.
"""

from __future__ import annotations

import importlib
from typing import Any

_COMPONENTS = {
    "CustomerModel": "cdp_assets.components.customer_model",
    "DropFolders": "cdp_assets.components.drop_folders",
    "SftpConnection": "cdp_assets.components.sftp_connection",
}


def __getattr__(name: str) -> Any:
    """The components, imported when asked for: the lower floors run without loading an orchestrator."""
    if name not in _COMPONENTS:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_COMPONENTS[name]), name)


def __dir__() -> list[str]:
    """With the components, so that Dagster's registry finds them."""
    return sorted({*globals(), *_COMPONENTS})
