"""Runs of single assets from a terminal, as a click on the web page starts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
from rich.console import Console

from cdp_assets.assets.build import connection_definitions, model_definitions
from cdp_assets.commands.launched import from_terminal
from cdp_assets.config.model import Deployment

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class AssetRuns:
    """Each run is told in a line."""

    def __init__(
        self, console: Console, deployment: Deployment, instance: dg.DagsterInstance, tags: Mapping[str, str]
    ) -> None:
        """`tags`: those of every run (`assets/command_runs.py`)."""
        parts = [connection_definitions(deployment, item) for item in deployment.connections]
        definitions = dg.Definitions.merge(model_definitions(deployment), *parts)
        self._job = definitions.resolve_implicit_global_asset_job_def()
        self._console, self._instance, self._tags = console, instance, tags
        self.ok = True

    def materialize(self, keys: Sequence[dg.AssetKey], what: str, tags: Mapping[str, str] | None = None) -> bool:
        """One run, and whether it succeeded; why not is told in our own words where there are any."""
        self._console.print(what, markup=False, highlight=False)
        result = self._job.execute_in_process(
            QUIET,
            instance=self._instance,
            raise_on_error=False,
            tags={**(tags or {}), **self._tags, **from_terminal()},
            asset_selection=keys,
        )
        self.ok = self.ok and result.success
        for event in result.all_events:
            if event.is_step_failure:
                ours = event.step_failure_data.user_failure_data
                why = (ours.description if ours else None) or "see the run in the web page"
                self._console.print(why, style="red", markup=False, highlight=False)
        return bool(result.success)
