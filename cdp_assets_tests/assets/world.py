"""A small shop: an embedded server, a deployment for it, and a Dagster instance that remembers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from cdp_assets.assets.build import connection_definitions, model_definitions
from cdp_assets.assets.runtime import data_folders
from cdp_assets.config.model import Deployment
from cdp_assets.definitions import shared_definitions
from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SERVER = {"host": "127.0.0.1", "username": "cdp", "host_key": "SHA256:none", "password": {"env": "NOT_USED"}}
MODEL = {
    "properties": [
        {"name": "email", "type": "email"},
        {"name": "city"},
        {"name": "spend", "type": "decimal", "precision": 2},
    ],
    "segments": [
        {"name": "vip", "where": {"property": "spend", "operator": "in_range", "min": 500}},
        {"name": "nowhere", "where": {"property": "city", "operator": "is_empty"}},
    ],
    "publish_every_s": 0,
}
CUSTOMERS = {
    "type": "import_profiles",
    "name": "customers",
    "files": {"directory": "in", "root": "customers_*.csv", "delta": True},
    "identifiers": [{"column": "E-Mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "City", "property": "city"}, {"column": "Spend", "property": "spend", "rule": "sum"}],
}
VISITS = {
    "type": "import_profiles",
    "name": "visits",
    "files": {"directory": "in", "root": "visits.csv"},
    "identifiers": [{"column": "E-Mail", "property": "email"}],
    "mappings": [{"column": "City", "property": "city"}],
}
VIP_LIST = {
    "type": "export_profiles",
    "name": "vip_list",
    "segment": "vip",
    "directory": "out",
    "file": {"name": "vip"},
    "columns": [{"property": "email", "identifier": True}, {"property": "spend"}],
}
HEADER = "E-Mail,City,Spend\n"
ANNA, BERT = "anna@example.com,Delft,600\n", "bert@example.com,Breda,20\n"


def connection(name: str = "shop", **changes: Any) -> dict[str, Any]:
    """A connection in YAML's terms; `goals` default to one import and one export."""
    return {"name": name, "server": SERVER, "goals": [CUSTOMERS, VIP_LIST]} | changes


def deployment(*connections: dict[str, Any], **model: Any) -> Deployment:
    return Deployment.model_validate({"model": MODEL | model, "connections": list(connections) or [connection()]})


def definitions(of: Deployment) -> dg.Definitions:
    """All definitions of a deployment, as the components make them."""
    parts = [connection_definitions(of, item) for item in of.connections]
    return dg.Definitions.merge(model_definitions(of), *parts, shared_definitions())


class World:
    """The shop, its server and its instance."""

    def __init__(self, server: EmbeddedServer, instance: dg.DagsterInstance) -> None:
        self.server, self.instance = server, instance
        self.cursors: dict[str, str | None] = {}
        self.set_up()

    def set_up(self, **changes: Any) -> None:
        """Exchanges the connection for one with these changes; what was imported stays."""
        reached = {
            "host": self.server.host,
            "port": self.server.port,
            "username": USERNAME,
            "host_key": self.server.host_key,
            "settle_s": 0,
            "password": {"file": str(self.server.password_file)},
            "keepalive_s": 5,
        }
        self.deployment = deployment(connection(server=reached) | changes)
        self.definitions = definitions(self.deployment)

    @property
    def connection(self):
        return self.deployment.connections[0]

    def put(self, name: str, *rows: str, at: int = 1_700_000_000) -> Path:
        """A file on the server, with a modification time of its own."""
        path = self.server.folder / "in" / name
        path.write_text(HEADER + "".join(rows))
        os.utime(path, (at, at))
        return path

    def tick(self, sensor: str) -> dg.SensorResult | dg.SkipReason:
        """One tick of a sensor, which finds its cursor of the last one."""
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor), definitions=self.definitions
        ) as context:
            (found,) = [item for item in self.definitions.sensors or () if item.name == sensor]
            result = found(context)
        if isinstance(result, dg.SensorResult):
            self.cursors[sensor] = result.cursor
        return result

    def requested(self, sensor: str) -> list[dg.RunRequest]:
        """What one tick asks for."""
        result = self.tick(sensor)
        return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []

    def run(self, job: str, run_config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
        """Runs a job in this process; a failure is in the result."""
        found = self.definitions.resolve_job_def(job)
        return found.execute_in_process({**(run_config or {}), **QUIET}, instance=self.instance, raise_on_error=False)

    def materialize(self, key: str, partition: str | None = None, **tags: str) -> dg.ExecuteInProcessResult:
        """Materialises one asset, as a click does."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            QUIET,
            instance=self.instance,
            raise_on_error=False,
            partition_key=partition,
            tags={f"dagster/{name}": value for name, value in tags.items()},
            asset_selection=[dg.AssetKey.from_user_string(key)],
        )

    def add_partitions(self, *keys: str) -> None:
        self.instance.add_dynamic_partitions("shop__customers", keys)

    def partitions(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions("shop__customers"))

    def statuses(self, key: str, *partitions: str) -> dict[str, str]:
        """What Dagster's page shows of partitions of an asset."""
        asset = dg.AssetKey.from_user_string(key)
        known = self.definitions.resolve_asset_graph().get(asset).partitions_def
        found = self.instance.get_status_by_partition(asset, partitions, known) or {}
        return {one: status.value if (status := found.get(one)) else "MISSING" for one in partitions}

    def materializations(self, key: str) -> list[dg.AssetMaterialization]:
        """Newest first."""
        records = self.instance.fetch_materializations(dg.AssetKey.from_user_string(key), limit=50).records
        return [record.asset_materialization for record in records]

    def observations(self, key: str) -> list[dg.AssetObservation]:
        """Newest first."""
        records = self.instance.fetch_observations(dg.AssetKey.from_user_string(key), limit=50).records
        return [record.asset_observation for record in records]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with open_warehouse(data_folders().warehouse) as database:
            return database.rows(Sql(query))


def told(event: dg.AssetMaterialization | dg.AssetObservation) -> dict[str, Any]:
    """An event's metadata as plain values, in its order; what became of a file stands in one table, line by line."""
    values = {name: getattr(value, "value", value) for name, value in event.metadata.items() if name != "result"}
    result = event.metadata.get("result")
    lines = result.records if isinstance(result, dg.TableMetadataValue) else []
    return {str(line.data["what"]): line.data["value"] for line in lines} | values


@contextmanager
def small_shop(root: Path, instance: dg.DagsterInstance) -> Iterator[World]:
    """A world with an empty server; its data folder is the process's while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDP_DATA_DIR", str(root / "data"))
        for name in ("in", "out"):
            (root / "served" / name).mkdir(parents=True)
        with EmbeddedServer(root / "served", root / "state") as server:
            yield World(server, instance)
