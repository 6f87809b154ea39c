"""Backfills as the page of Dagster launches them, and what becomes of their runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cdp_assets_tests.assets.web import Dev

LAUNCH = """mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) { __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PartitionBackfill { status } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"
EVENTS = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events { __typename
  ... on EngineEvent { message } } } } }"""
PARTITIONS = """query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) { assetPartitionStatuses { __typename
  ... on TimePartitionStatuses { ranges { status startKey endKey } } } } }"""
CHECKS = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    status evaluation { severity success description } } } } } } } }"""
UNDER_WAY = {"REQUESTED", "CANCELING", "FAILING"}


class Backfills:
    """The backfills of one asset."""

    def __init__(self, dev: Dev, asset: str) -> None:
        self.dev, self.key = dev, {"path": asset.split("/")}
        self.ids: list[str] = []

    def launch(self, partitions: Sequence[str]) -> None:
        parameters = {
            "assetSelection": [self.key],
            "partitionNames": list(partitions),
            "fromFailure": False,
            "tags": [],
        }
        answer = self.dev.ask(LAUNCH, backfillParams=parameters)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        self.ids.append(answer["backfillId"])

    def are_over(self) -> bool:
        found = [self.dev.ask(STATUS, id=name)["partitionBackfillOrError"]["status"] for name in self.ids]
        return not UNDER_WAY & set(found)

    def runs(self, status: str = "") -> list[str]:
        """Ids of the runs of all backfills, or of those with a status."""
        return [
            run["runId"]
            for run in self.all_runs()
            if status in {"", run["status"]} and any(tag["key"] == "dagster/backfill" for tag in run["tags"])
        ]

    def all_runs(self) -> list[dict[str, Any]]:
        return list(self.dev.ask(RUNS)["runsOrError"]["results"])

    def process_of(self, run: str) -> int | None:
        """The process of a run whose step has begun."""
        events = self.dev.ask(EVENTS, run=run)["logsForRun"]["events"]
        if not any(event["__typename"] == "ExecutionStepStartEvent" for event in events):
            return None
        told = " ".join(event.get("message", "") for event in events)
        found = re.search(r"Started process for run \(pid: (\d+)\)", told)
        return int(found[1]) if found else None

    def without(self, keys: Sequence[str], status: str = "MATERIALIZED") -> list[str]:
        """Those partitions that do not have a status."""
        (node,) = self.dev.ask(PARTITIONS, keys=[self.key])["assetNodes"]
        ranges = [item for item in node["assetPartitionStatuses"]["ranges"] if item["status"] == status]
        return [key for key in keys if not any(item["startKey"] <= key <= item["endKey"] for item in ranges)]

    def check(self, name: str) -> dict[str, Any] | None:
        """The latest evaluation of an asset check, as its page shows it."""
        node = self.dev.ask(CHECKS, key=self.key)["assetNodeOrError"]
        (check,) = [item for item in node["assetChecksOrError"]["checks"] if item["name"] == name]
        execution = check["executionForLatestMaterialization"]
        return execution["evaluation"] if execution else None
