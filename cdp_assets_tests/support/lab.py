"""A warehouse in a folder, fed with bytes instead of a server: for tests of landing, order, folding and replay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cdp_assets.config.model import CustomerModelConfig, Deployment, SnapshotSettings, batch_config
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.selection import partition_key
from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.file_sets import LinkedPart
from cdp_assets.flows.fold_batches import FoldResult, fold_batches
from cdp_assets.flows.folders import DataFolders, staging_folder
from cdp_assets.flows.land_files import Landed, current_versions, land_received, reland
from cdp_assets.flows.manifests import seen_id
from cdp_assets.flows.origins import Origin, received_name
from cdp_assets.flows.take_look import Candidate
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.support.fresh import make_fresh

SERVER = {"host": "127.0.0.1", "username": "nobody", "host_key": "SHA256:none", "password": {"env": "NOT_USED"}}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(
    properties: list[dict[str, Any]],
    goals: list[dict[str, Any]],
    segments: list[dict[str, Any]] | None = None,
    connections: list[dict[str, Any]] | None = None,
    **model: Any,
) -> Deployment:
    """A deployment of one connection `shop` with these goals, or of the connections given.

    `model`: more of the customer model.
    """
    listed = connections or [{"name": "shop", "goals": goals}]
    return Deployment.model_validate(
        {
            "model": {"properties": properties, "segments": segments or []} | model,
            "connections": [{"server": SERVER} | entry for entry in listed],
        }
    )


def with_snapshots(model: CustomerModelConfig, **settings: float) -> CustomerModelConfig:
    """The model with a snapshot after every pass, however small."""
    return model.model_copy(update={"snapshots": SnapshotSettings.model_validate({"after": 1e-9} | settings)})


class Lab:
    """Lands and folds under one deployment, which may be exchanged at any time."""

    def __init__(self, root: Path, setup: Deployment) -> None:
        self.folders = DataFolders(root)
        self.deployment = setup

    @property
    def model(self) -> CustomerModelConfig:
        return self.deployment.model

    def config(self, goal: str, connection: str = "shop"):
        found = self.deployment.find_connection(connection)
        return batch_config(self.deployment, found, next(item for item in found.imports if item.name == goal))

    def land(
        self,
        goal: str,
        name: str,
        content: str | bytes,
        *,
        look_at: datetime = EPOCH,
        modified_at: datetime = EPOCH,
        connection: str = "shop",
        linked: Mapping[str, tuple[str, str | bytes]] | None = None,
        keys: PgpKeys | None = None,
    ) -> Landed:
        """Lands a file as if `look_at` had been the first look to see it. `linked`: alias → name and content."""
        config = self.config(goal, connection)
        key = partition_key(config.goal.files, name)
        assert key is not None, f"{name} does not match {config.goal.files.root}"
        received = {"": (name, content)} | dict(linked or {})
        contents = {alias: _bytes(text) for alias, (_, text) in received.items()}
        written = modified_at.replace(microsecond=0)
        files = {
            alias: RemoteFile(f"in/{file}", file, len(contents[alias]), written)
            for alias, (file, _) in received.items()
        }
        static = {link.name: link.static for link in config.goal.files.linked}
        parts = tuple(LinkedPart(alias, file, static[alias]) for alias, file in files.items() if alias)
        told = [(part.alias, part.file.path, part.file.size_bytes, written) for part in parts if not part.static]
        file = files[""]
        identity = seen_id(config.goal_id, file.path, file.size_bytes, file.modified_at, *told)
        candidate = Candidate(goal, key, file, identity, look_at, landed=False, linked=parts)
        with staging_folder(self.folders) as staging:
            for alias, data in contents.items():
                (staging / received_name(alias)).write_bytes(data)
            sums = [hashlib.sha256(data).hexdigest() for data in contents.values()]
            origin = Origin(config.goal_id, candidate, sums[0], staging / received_name(), tuple(sums[1:]), keys=keys)
            return land_received(config, origin, self.folders, staging, look_at)

    def reland(self, goal: str, connection: str = "shop") -> list[Landed]:
        config = self.config(goal, connection)
        return [
            reland(config, manifest, self.folders, EPOCH)
            for manifest in current_versions(self.folders, connection, goal)
        ]

    def fold(self, *, rebuild: bool = False) -> FoldResult:
        make_fresh(self.folders.warehouse)
        with open_warehouse(self.folders.warehouse) as database:
            return fold_batches(database, self.model, self.folders, EPOCH, rebuild=rebuild)

    def dump(self) -> dict[str, list[str]]:
        with open_warehouse(self.folders.warehouse) as database:
            return canonical_dump(database)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.folders.warehouse) as database:
            return database.rows(Sql(query))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
