"""The door to DuckDB: the only module that imports it.

Two kinds of database pass through it: the profile warehouse, one file with one writer at a time, and a
scratch database for landing, which lives and dies with its connection. Statements come as text from `sql/`;
failures leave as WarehouseError with that text.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from cdp_assets.errors import WarehouseBusyError, WarehouseError
from cdp_assets.faults import step
from cdp_assets.sql.text import Sql, joined, literal, sql

Parameters = Sequence[object] | Mapping[str, object]
"""Values by place (`?`), or by name (`$now`)."""
STORAGE_VERSION = "v1.5.0"
"""Files can be opened by DuckDB 1.5 and 2.0."""

if find_spec("pandas") is None:
    # For every value bound to a statement DuckDB tries twice to import pandas, which searches all folders of the
    # path each time: a fifth of a small fold. With this entry the answer is as before ("no such module"), at once.
    sys.modules["pandas"] = None  # type: ignore[assignment]

_ROWS_AT_ONCE = 50
"""Rows of one INSERT; one for each row takes longer the more there are."""


class Answer:
    """Names of columns, and rows as plain Python values, as many at a time as are asked for."""

    def __init__(self, result: duckdb.DuckDBPyConnection) -> None:
        self.columns = [str(name) for name, *_ in result.description or []]
        self._result = result

    def rows(self, most: int) -> list[tuple[Any, ...]]:
        """The next rows; none = that was all."""
        return self._result.fetchmany(most)


class Database:
    """One connection; rows in and out as plain Python values."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._own_memory: int | None = None

    def run(self, query: Sql, parameters: Parameters = ()) -> None:
        """Runs a statement whose rows nobody wants.

        Raises:
            WarehouseError: we must act; the message ends with the statement.
        """
        self._execute(query, parameters)

    def rows(self, query: Sql, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a query: for small answers only."""
        return self._execute(query, parameters).fetchall()

    def answer(self, query: Sql) -> Answer:
        """What a query brings, of any size. It must be read before the next statement."""
        return Answer(self._execute(query, ()))

    def row(self, query: Sql, parameters: Parameters = ()) -> tuple[Any, ...]:
        """The single row of a query that always has one."""
        found = self.rows(query, parameters)
        assert len(found) == 1, query
        return found[0]

    def insert(self, table: Sql, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Adds a few rows of Python values: ledger entries, never file contents."""
        names = Sql(", ".join(f'"{name}"' for name in columns))
        places = Sql("(" + ", ".join("?" for _ in columns) + ")")
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            values = joined(", ", [places] * len(part))
            query = sql("INSERT INTO {table} ({names}) VALUES {values}", table=table, names=names, values=values)
            self._execute(query, [value for row in part for value in row])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commits when the block ends, rolls back when it raises."""
        self.run(Sql("BEGIN TRANSACTION"))
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self.run(Sql("COMMIT"))

    def limit_memory(self, size: int) -> None:
        """From here on the engine keeps to `size` bytes, its cache of the file included, and spills what goes beyond.

        Never more than it would take by itself, which is a part of what the machine has. A later call counts.
        """
        if self._own_memory is None:
            (self._own_memory,) = self.row(Sql("SELECT parse_formatted_bytes(current_setting('memory_limit'))"))
        limit = f"{min(size, self._own_memory)}B"
        self.run(sql("SET memory_limit = {limit}", limit=literal(limit)))

    def shut_out_files(self) -> None:
        """From here on the connection reaches no file but the warehouse and its own spill; cannot be taken back.

        For statements that hold what a person wrote. Twice is once.
        """
        if self.row(Sql("SELECT current_setting('lock_configuration')")) == (True,):
            return
        self.run(Sql("SET enable_external_access = false"))
        self.run(Sql("SET lock_configuration = true"))

    def _execute(self, query: Sql, parameters: Parameters) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(query, parameters or None)
        except duckdb.Error as error:
            message = f"{str(error).strip()}\nin the statement:\n{query}"
            raise WarehouseError(message) from error


def _settings(database: Database, temporary: Path | None, memory_limit: str | None) -> None:
    database.run(Sql("SET TimeZone = 'UTC'"))
    database.run(Sql("SET autoinstall_known_extensions = false"))
    database.run(Sql("SET autoload_known_extensions = false"))
    database.run(Sql("SET enable_progress_bar = false"))
    if temporary is not None:
        temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
        database.run(sql("SET temp_directory = {folder}", folder=literal(str(temporary))))
    if memory_limit is not None:
        database.run(sql("SET memory_limit = {limit}", limit=literal(memory_limit)))


@contextmanager
def scratch(temporary: Path | None = None, memory_limit: str | None = None) -> Iterator[Database]:
    """A database in memory that spills into `temporary` and is gone afterwards."""
    connection = duckdb.connect()
    try:
        database = Database(connection)
        _settings(database, temporary, memory_limit)
        yield database
    finally:
        connection.close()


@contextmanager
def writer_lock(path: Path, wait_s: float) -> Iterator[None]:
    """Holds the warehouse against every other process of ours, also those that bypass the run queue.

    The operating system frees the lock when its holder dies.

    Raises:
        WarehouseBusyError: nobody need act; another process held it all the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = path.with_suffix(".holder")
    lock = FileLock(path.with_suffix(".lock"), timeout=wait_s)
    try:
        lock.acquire()
    except Timeout as error:
        pid = holder.read_text() if holder.exists() else "unknown"
        message = f"the warehouse is busy: process {pid} has been using it for more than {wait_s:g} s"
        raise WarehouseBusyError(message) from error
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()


@contextmanager
def open_warehouse(
    path: Path, *, temporary: Path | None = None, wait_s: float = 300, memory_limit: str | None = None
) -> Iterator[Database]:
    """The warehouse for reading and writing, made if absent; held alone until the block ends.

    Raises:
        WarehouseBusyError: nobody need act, unless the holder is a program that stays: it was held by another
            process for longer than `wait_s`; the message names that process.
    """
    with writer_lock(path, wait_s):
        connection = _connect(path, wait_s)
        try:
            database = Database(connection)
            _settings(database, temporary, memory_limit)
            # No table has an order of its own; without one the engine inserts on all cores. It must be so:
            # DuckDB 1.5.6 and 2.0.0 otherwise hide the rows of a large INSERT, or forget to delete some of them,
            # if one without any rows came before it in the transaction (test_warehouse.py).
            database.run(Sql("SET preserve_insertion_order = false"))
            # What was committed stands in the file or its log; publishing brings the two together.
            database.run(Sql("PRAGMA disable_checkpoint_on_shutdown"))
            yield database
        finally:
            connection.close()


def _connect(path: Path, wait_s: float) -> duckdb.DuckDBPyConnection:
    """Tries until programs that do not know of our lock, such as a notebook, let go of the file."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return _attach(path)
        except WarehouseBusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def _attach(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect()
        try:
            options = literal(STORAGE_VERSION)
            connection.execute(f"ATTACH {literal(str(path))} AS warehouse (STORAGE_VERSION {options})")
            connection.execute("USE warehouse")
        except BaseException:
            connection.close()
            raise
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            message = (
                "another program holds the warehouse open; let it close the file, or read the published copy"
                f" instead: {str(error).splitlines()[0]}"
            )
            raise WarehouseBusyError(message) from error
        message = f"the warehouse cannot be opened: {error}"
        raise WarehouseError(message) from error
    return connection


def rewrite_file(path: Path) -> None:
    """Writes the warehouse into a new file and puts it in place, so that no deleted row is left between the others.

    Needs the writer's lock. A process that dies leaves the old file, or the new one.
    """
    fresh = path.with_name(f".{path.name}.rewritten")
    for leftover in path.parent.glob(f"{fresh.name}*"):
        leftover.unlink()
    connection = _attach(path)
    try:
        connection.execute("CHECKPOINT")
        connection.execute(f"ATTACH {literal(str(fresh))} AS fresh (STORAGE_VERSION {literal(STORAGE_VERSION)})")
        connection.execute("COPY FROM DATABASE warehouse TO fresh")
        connection.execute("CHECKPOINT fresh")
    except duckdb.Error as error:
        message = f"the warehouse cannot be written into a new file: {error}"
        raise WarehouseError(message) from error
    finally:
        connection.close()
    step("warehouse: written anew")
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    fresh.rename(path)


@contextmanager
def read_copy(path: Path) -> Iterator[Database]:
    """A published copy, read-only; many may read it at once."""
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        message = f"the readers' copy of the warehouse cannot be opened: {error}"
        raise WarehouseError(message) from error
    try:
        database = Database(connection)
        database.run(Sql("SET TimeZone = 'UTC'"))
        yield database
    finally:
        connection.close()
