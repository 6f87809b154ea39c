"""When a goal runs, in words: Dagster's page of an asset names no schedule or sensor of a job that is made of ops."""

from __future__ import annotations

from cdp_assets.assets.job_names import run_now_name
from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import ImportGoal


def when_it_runs(connection: Connection, goal: ImportGoal | ExportProfilesGoal) -> str:
    """What starts it, by the name that stands under Automation or Jobs."""
    if not connection.enabled:
        return "never: the connection is switched off (enabled: false)"
    if not goal.active:
        return "never: the goal is switched off (active: false)"
    if connection.run_mode == "schedule" and connection.schedule is not None:
        return f"{connection.schedule.told}, by {connection.name}__schedule under Automation"
    if connection.run_mode == "manual":
        return f"by hand: {run_now_name(connection)} under Jobs"
    if isinstance(goal, ExportProfilesGoal):
        return "after the profiles have changed, by after_each_fold under Automation"
    return f"when files arrive, by {connection.name}__arrivals under Automation"
