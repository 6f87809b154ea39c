"""Exports without a server: a warehouse in memory-sized tables, and the files a goal would make of it."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cdp_assets.config.model import Deployment
from cdp_assets.flows.export_content import Made, make_files, take_rows
from cdp_assets.flows.export_job import ExportJob
from cdp_assets.flows.folders import digest
from cdp_assets.sql import exports, schema, tables
from cdp_assets.sql.event_tables import event_tables
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.support.fresh import make_fresh
from cdp_assets_tests.support.lab import deployment

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
UUID = "00000000-0000-4000-8000-{:012d}"


def goal(**settings: Any) -> dict[str, Any]:
    """An export goal of segment `vip`, of everybody unless told otherwise."""
    return {"type": "export_profiles", "name": "out", "segment": "vip", "population": "all"} | settings


class Desk:
    """A warehouse filled by hand, and a goal that is exported from it as often as wanted."""

    def __init__(
        self,
        folder: Path,
        properties: Sequence[dict[str, Any]],
        settings: Mapping[str, Any],
        model: Mapping[str, Any] | None = None,
        segments: Sequence[str] = ("vip",),
    ) -> None:
        self.folder = folder
        names = [{"name": name, "title": name.title(), "where": ANYBODY} for name in segments]
        setup = deployment([*properties], [dict(settings)], names)
        data = setup.model_dump(by_alias=True, mode="json")
        data["model"] |= model or {}
        self.deployment: Deployment = Deployment.model_validate(data) if model else setup
        self.runs = 0

    @property
    def job(self) -> ExportJob:
        connection = self.deployment.connections[0]
        return ExportJob.of(self.deployment, connection, connection.exports[0], NOW)

    @contextmanager
    def warehouse(self):
        path = self.folder / "warehouse.duckdb"
        is_new = not path.exists()
        make_fresh(path)
        with open_warehouse(path) as database:
            if is_new:
                for statement in schema.create_table(tables.profiles_table(self.deployment.model.properties)):
                    database.run(statement)
            yield database

    def fill(
        self, profiles: Mapping[int, Mapping[str, Any]], members: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        """Exactly these profiles by number, all in `vip` unless told otherwise."""
        table = tables.profiles_table(self.deployment.model.properties)
        with self.warehouse() as database:
            database.run(Sql("DELETE FROM main.profiles"))
            names = [prop.name for prop in self.deployment.model.properties]
            rows = [
                [UUID.format(number), "DEFAULT", NOW, NOW, *(values.get(name) for name in names)]
                for number, values in profiles.items()
            ]
            own = ["profile_id", "domain_group", "creation_date", "last_modified_date"]
            database.insert(table.path, [*own, *names], rows)
            database.run(Sql("DELETE FROM main.segment_members"))
            found = members if members is not None else {"vip": list(profiles)}
            lines = [[name, UUID.format(number), NOW] for name, numbers in found.items() for number in numbers]
            database.insert(tables.SEGMENT_MEMBERS.path, ["segment", "profile_id", "entered_at"], lines)

    def fill_events(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Exactly these rows in a table of events; profiles by number."""
        made = {made.name: made for made in event_tables(self.job.event_types)}[table]
        with self.warehouse() as database:
            for statement in schema.create_table(made, replace=True):
                database.run(statement)
            names = [column.name for column in made.columns]
            values = [row | {"profile_id": UUID.format(row["profile_id"])} for row in rows]
            database.insert(made.path, names, [[row.get(name) for name in names] for row in values])

    def named(self, *, settle: bool = True) -> dict[str, bytes]:
        """The files of a run as they stand on the disk, by their names on the server."""
        made, folder = self.export(settle=settle)
        names = [file.named(self.job, self.job.naming).path.rpartition("/")[2] for file in made.files]
        return {name: (folder / str(file.number)).read_bytes() for name, file in zip(names, made.files, strict=True)}

    def export(self, *, settle: bool = True) -> tuple[Made, Path]:
        """Makes the files of a run, and enters them as delivered."""
        self.runs += 1
        job = replace(self.job, export_id=digest("run", self.runs))
        folder = Path(tempfile.mkdtemp(prefix="run", dir=self.folder))
        with self.warehouse() as database:
            counts = take_rows(database, job, folder)
        made = make_files(job, folder, counts, None)
        if settle:
            with self.warehouse() as database, database.transaction():
                path = str(folder / "delivered.parquet")
                for statement in exports.remember_delivered(*job.owner, job.export_id, path):
                    database.run(statement)
        return made, folder

    def contents(self, *, settle: bool = True) -> list[bytes]:
        """The unpacked files of a run, in order."""
        made, folder = self.export(settle=settle)
        found = [(folder / str(file.number)).read_bytes() for file in made.files]
        return [gzip.decompress(data) if self.job.goal.file.gzip else data for data in found]

    def text(self) -> str:
        """The one file of a run."""
        (data,) = self.contents()
        return data.decode(self.job.goal.format.codec)


ANYBODY = {"property": "email", "operator": "not_is_empty"}
