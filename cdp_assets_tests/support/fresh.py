"""A fresh warehouse as the product makes it, made once per process and copied: 350 statements take a while."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database, open_warehouse


@cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cdp-fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "fresh.duckdb"
    with open_warehouse(path) as database:
        prepare_schemas(database)
        database.run(Sql("CHECKPOINT"))
    return path


def make_fresh(path: Path) -> None:
    """Puts a warehouse without rows where there is none yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(_made(), path)


def fill_fresh(database: Database) -> None:
    """Gives a scratch database the tables of a warehouse, without rows."""
    database.run(sql("ATTACH {path} AS fresh (READ_ONLY)", path=literal(str(_made()))))
    database.run(Sql("COPY FROM DATABASE fresh TO memory"))
    database.run(Sql("DETACH fresh"))
