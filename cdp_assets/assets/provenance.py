"""What Dagster notes of itself on what an asset's own op makes, for what the ops of a job make.

By these tags it tells later whether something is outdated. Without them it takes an asset for outdated as long as any
partition of what it is made of was never made, such as that of a file that was refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

_UNKNOWN, _NEVER_MADE = "INITIAL", "NULL"
"""As Dagster writes the version of something that it knows nothing of, and of an asset that was never made."""


def of_landing(files: dg.AssetKey, code_version: str, batch_id: str) -> dict[str, str]:
    """Of a file that was landed: its rows are others where its batch is another."""
    return {
        "dagster/code_version": code_version,
        "dagster/data_version": batch_id,
        f"dagster/input_data_version/{files.to_user_string()}": _UNKNOWN,
        f"dagster/input_event_pointer/{files.to_user_string()}": _NEVER_MADE,
    }


def of_inputs(instance: dg.DagsterInstance, run_id: str, inputs: Iterable[dg.AssetKey]) -> dict[str, str]:
    """Of what is about to be made of these assets as they are now; asked before, so that nothing new is overlooked."""
    tags = {"dagster/code_version": run_id}
    for key in inputs:
        name, records = key.to_user_string(), instance.fetch_materializations(key, limit=1).records
        latest = records[0] if records else None
        made = latest.asset_materialization if latest else None
        version = (made.tags or {}).get("dagster/data_version", _UNKNOWN) if made else _NEVER_MADE
        tags[f"dagster/input_data_version/{name}"] = version
        tags[f"dagster/input_event_pointer/{name}"] = str(latest.storage_id) if latest else _NEVER_MADE
    return tags
