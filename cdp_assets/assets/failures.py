"""Why a run failed, in our own words where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dagster as dg

from cdp_assets.assets.command_runs import COMMAND_TAG, DIED
from cdp_assets.assets.steps import REFUSED, UNLISTED, what_failed
from cdp_assets.errors import CdpError
from cdp_assets.flows.happened import Event


class _Error(Protocol):
    """An error as Dagster keeps it."""

    @property
    def message(self) -> str: ...
    @property
    def cause(self) -> _Error | None: ...


def reason_of(error: _Error | None) -> str:
    """What went wrong in our own words; of an error that is not ours, what it says of itself."""
    reason, seen = "no reason is known", error
    while seen is not None:
        name, _, told = seen.message.strip().partition(": ")
        if name.startswith(CdpError.__module__):
            return told
        reason, seen = seen.message.strip(), seen.cause
    return reason


def told_of(failure: dg.DagsterEvent, connection: str) -> tuple[str, str]:
    """What a failed step could not do, empty where the reason says so; and the reason."""
    ours = failure.step_failure_data.user_failure_data
    if ours:
        return "", ours.description or ""
    return what_failed(failure.step_key or "", connection), reason_of(failure.step_failure_data.error)


def failure_event(connection: str, run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent]) -> Event | None:
    """What to tell people of a failed run with these failed steps.

    None where it failed for refused files alone: each of these is told by itself.
    """
    if failures and all(
        failure.step_key == REFUSED and UNLISTED not in told_of(failure, "")[1] for failure in failures
    ):
        return None
    title = f"{connection}: run {run.run_id[:8]} of {run.job_name} failed"
    told = [": ".join(filter(None, told_of(failure, connection))) for failure in failures]
    return Event("failure", f"run {run.run_id}", title, "\n".join([title, *(told or [_without_steps(run)])]))


def _without_steps(run: dg.DagsterRun) -> str:
    return DIED if COMMAND_TAG in run.tags else "no step failed by itself"
