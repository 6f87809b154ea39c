"""`python -m cdp_assets replay` and `reland`: the warehouse from its batches, and batches from kept files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import batch_config
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown
from cdp_assets.files.windows import is_called, not_called, those_there
from cdp_assets.flows.compare_replay import compare_replay
from cdp_assets.flows.fold_batches import FoldResult
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import Outcome, reland_versions
from cdp_assets.flows.land_files import current_versions
from cdp_assets.flows.manifests import ID_SIGNS, Manifest
from cdp_assets.flows.plan_order import order_key
from cdp_assets.flows.run_connection import fold_and_publish
from cdp_assets.flows.withdrawals import withdrawn_versions


class Replay:
    """Rebuilds every derived table from all batches; the result is the same warehouse."""

    HELP = "rebuild the warehouse from all batches"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Whether only to look."""
        parser.add_argument(
            "--check", action="store_true", help="change nothing: tell whether a rebuilt warehouse would be the same"
        )

    def run(self, options: argparse.Namespace) -> int:
        """Rebuild and publish; with `--check`, 1 if a rebuilt warehouse would differ."""
        deployment = load_deployment(defs_folder())
        if options.check:
            compared = compare_replay(deployment.model, data_folders(), now())
            for item in compared:
                verdict = "the same" if item.equal else f"DIFFERS: {counted(item.replayed_rows, 'row')} when rebuilt"
                print(f"{item.table}: {counted(item.rows, 'row')}, {verdict}")
            return 0 if all(item.equal for item in compared) else 1
        _tell(fold_and_publish(deployment.model, data_folders(), now(), rebuild=True, at_once=True))
        return 0


class Reland:
    """Imports kept files anew under today's YAML, in their old places in the order."""

    HELP = "import files that were imported before anew, under today's YAML"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Which goals, and which partitions."""
        parser.add_argument("connection")
        parser.add_argument("goal", nargs="?", help="default: all import goals")
        parser.add_argument("partitions", nargs="*", help="default: all")

    def run(self, options: argparse.Namespace) -> int:
        """Land, fold, publish; 1 if a file could not be landed.

        A file that held people who are erased is kept no longer: that it stays as it is, is told, and no failure.
        """
        deployment = load_deployment(defs_folder())
        connection, goals = chosen_imports(deployment, options.connection, options.goal)
        folders = data_folders()
        chosen = [(goal, _versions(folders, connection, goal, options.partitions)) for goal in goals]
        withdrawn, failed = withdrawn_versions(folders), False
        for goal, versions in chosen:
            config = batch_config(deployment, connection, goal)
            outcomes = reland_versions(config, versions, folders, now(), opening_keys(connection.pgp))
            for version, outcome in zip(versions, outcomes, strict=True):
                out = "; it is withdrawn and does not count" if version.version_id in withdrawn else ""
                print(f"{version.told}: {_became(outcome)}{out}")
                failed = failed or bool(outcome.error)
        _tell(fold_and_publish(deployment.model, folders, now(), at_once=True))
        return 1 if failed else 0


def _versions(
    folders: DataFolders, connection: Connection, goal: ImportGoal, partitions: Sequence[str]
) -> list[Manifest]:
    """What stands for each version of a goal's files, or of these partitions, in the order they fold.

    Raises:
        ConfigError: whoever asks must: there is no such partition.
    """
    current = current_versions(folders, connection.name, goal.name)
    versions = [
        version for version in current if not partitions or is_called(goal.files, version.partition_key, partitions)
    ]
    unknown = not_called(goal.files, [version.partition_key for version in versions], partitions)
    if unknown:
        there = those_there(version.partition_key for version in current)
        raise ConfigError(f"{connection.name}/{goal.name} has no partition {', '.join(unknown)}; {there}")
    return sorted(versions, key=order_key)


def _became(outcome: Outcome) -> str:
    landed = outcome.landed
    if landed is None:
        return outcome.error
    return (
        f"landed anew as batch {landed.manifest.batch_id[:ID_SIGNS]}" if landed.is_new else landed.note or "unchanged"
    )


def _tell(result: FoldResult) -> None:
    print(f"{counted(len(result.folded), 'batch', 'batches')} folded{', warehouse rebuilt' if result.replayed else ''}")
    for entry in result.left_out:
        print(f"{shown(str(entry['name']))} does not count: {entry['note']}")
    print(counted(result.profiles, "profile"))
