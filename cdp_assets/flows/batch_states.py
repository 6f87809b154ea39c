"""Which batches of a goal count, and why the others do not, as the landing folder tells: no database is opened."""

from __future__ import annotations

from dataclasses import dataclass

from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import waiting
from cdp_assets.flows.manifests import ID_SIGNS, Manifest, batch_folder, goal_manifests
from cdp_assets.flows.plan_order import order_key, plan_order
from cdp_assets.flows.withdrawals import withdrawn_versions

COUNTING = frozenset({"folded", "waiting"})
"""States of batches whose rows are in the warehouse, or come in with the next fold."""


@dataclass(frozen=True)
class Standing:
    """A batch and what it counts for."""

    manifest: Manifest
    state: str
    """As in the ledger after the next fold; `waiting` = it counts then."""

    @property
    def counts(self) -> bool:
        """Whether its rows are in the warehouse, or come in with the next fold."""
        return self.state in COUNTING

    @property
    def told(self) -> str:
        """Its id, file, state and time, for a message that lets people choose."""
        manifest = self.manifest
        return f"{manifest.batch_id[:ID_SIGNS]} ({shown(manifest.name)}, {self.state}, landed {manifest.landed} UTC)"


def goal_standings(folders: DataFolders, connection: str, goal: str) -> list[Standing]:
    """Every batch of a goal, in the order they fold; those that do not count stand where they would."""
    manifests = sorted(goal_manifests(folders, connection, goal), key=order_key)
    left_out = plan_order(manifests, withdrawn_versions(folders)).left_out
    fresh = {name for name, _ in waiting(folders)}

    def state(manifest: Manifest) -> str:
        if manifest.batch_id in left_out:
            return left_out[manifest.batch_id][0]
        return "waiting" if batch_folder(folders, manifest).name in fresh else "folded"

    return [Standing(manifest, state(manifest)) for manifest in manifests]
