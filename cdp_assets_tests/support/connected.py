"""A connection to a real SFTP server with its own folder there and its own data folder here."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.acknowledge_files import Acknowledged
from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.fold_batches import FoldResult
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.run_connection import Delivered, Imported
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.support.sshd import Sshd

START = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
WRITTEN = datetime(2026, 2, 28, 12, tzinfo=UTC)
PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "city"},
    {"name": "points", "type": "number"},
    {"name": "tags", "multiple": True},
]
MAPPINGS = [
    {"column": "city", "property": "city"},
    {"column": "points", "property": "points", "rule": "sum"},
    {"column": "tags", "property": "tags", "rule": "add"},
]


def import_goal(name="customers", *, mappings=None, files=None, **settings) -> dict[str, Any]:
    return {
        "type": "import_profiles",
        "name": name,
        "allow_create": True,
        "files": {"directory": "in", "root": f"{name}_*.csv"} | (files or {}),
        "identifiers": [{"column": "email", "property": "email"}],
        "mappings": mappings or MAPPINGS,
    } | settings


def export_goal(name="vip_list", **settings) -> dict[str, Any]:
    return {
        "type": "export_profiles",
        "name": name,
        "segment": "vip",
        "directory": "out",
        "columns": [{"property": "email", "identifier": True}, {"property": "points"}, {"property": "city"}],
    } | settings


SEGMENTS = [{"name": "vip", "where": {"property": "points", "operator": "in_range", "min": 10}}]


class Shop:
    """Puts files on the server as the supplier does, and runs the connection's verbs one hour apart."""

    def __init__(
        self, sshd: Sshd, data: Path, goals: list[dict[str, Any]], properties: list[dict[str, Any]] | None = None
    ) -> None:
        self.remote = sshd.folder()
        self.folders = DataFolders(data)
        self.sshd = sshd
        self.snapshots: dict[str, float] = {}
        self._properties, self._goals = properties or PROPERTIES, goals
        self.model: dict[str, Any] = {}
        self.now = START
        self.dirs = {name: self.remote / name for name in ("in", "out")}
        for folder in self.dirs.values():
            folder.mkdir()
            self.give(folder)

    def settings(self, **server: Any) -> dict[str, Any]:
        """The deployment as a driver gets it."""
        config = self.sshd.server_config(user_directory=str(self.remote), **server)
        return {
            "model": {
                "properties": self._properties,
                "segments": SEGMENTS,
                "publish_every_s": 0,
                "snapshots": self.snapshots,
            }
            | self.model,
            "connections": [
                {
                    "name": "shop",
                    "server": config.model_dump(mode="json", exclude_none=True),
                    "goals": self._goals,
                }
            ],
        }

    @property
    def deployment(self) -> Deployment:
        return Deployment.model_validate(self.settings())

    @property
    def connection(self):
        return self.deployment.connections[0]

    def give(self, path: Path) -> None:
        """To the account that logs in."""
        if os.getuid() == 0:
            shutil.chown(path, self.sshd.username)

    def put(self, name: str | bytes, content: str | bytes, *, written: datetime = WRITTEN, directory="in") -> Path:
        """A file as the supplier leaves it; one of that name is overwritten."""
        path = self.dirs[directory] / os.fsdecode(name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.give(path)
        os.utime(path, (written.timestamp(), written.timestamp()))
        return path

    def tree(self) -> dict[str, bytes]:
        """Every file on the server with its content."""
        files = [path for path in self.remote.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.remote)): path.read_bytes() for path in files}

    def names(self, directory: str = "in") -> list[str]:
        return sorted(path.name for path in self.dirs[directory].iterdir())

    def land(self) -> Imported:
        self.now += timedelta(hours=1)
        return run_connection.import_new(self.deployment, self.connection, self.folders, self.now)

    def fold(self) -> FoldResult:
        return run_connection.fold_and_publish(self.deployment.model, self.folders, self.now)

    def acknowledge(self) -> list[Acknowledged]:
        return run_connection.acknowledge(self.connection, self.folders, self.now)

    def import_all(self) -> tuple[Imported, FoldResult, list[Acknowledged]]:
        """Looks, lands, folds and acknowledges."""
        return self.land(), self.fold(), self.acknowledge()

    def deliver(self) -> list[Delivered]:
        """Selects and delivers."""
        self.now += timedelta(hours=1)
        run_connection.select(
            self.deployment.model,
            self.folders,
            self.now,
            run_connection.segments_of(self.deployment.model, self.connection),
            run_connection.lifecycles_of(self.deployment.model, self.connection),
        )
        return list(run_connection.deliver(self.deployment, self.connection, self.folders, self.now))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.folders.warehouse) as database:
            return database.rows(Sql(query))

    def people(self, columns: str = "email, city, points, tags") -> list[tuple[Any, ...]]:
        return self.rows(f"SELECT {columns} FROM main.profiles ORDER BY ALL")

    def states(self) -> list[str]:
        return [state for (state,) in self.rows("SELECT state FROM ops.batches ORDER BY look_at, name")]

    def dump(self) -> dict[str, list[str]]:
        with open_warehouse(self.folders.warehouse) as database:
            return canonical_dump(database)
