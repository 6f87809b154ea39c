"""What an asset needs when it runs, and how it fails: folders, the clock, and errors in Dagster's terms."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from cdp_assets.config.connections import Connection
from cdp_assets.errors import CdpError, ConfigError
from cdp_assets.flows.folders import DataFolders
from cdp_assets.progress import told_to

DATA_DIR_VARIABLE = "CDP_DATA_DIR"
START_VARIABLE = "CDP_START"
"""`stopped` loads sensors and schedules switched off, so that a person switches them on; see `make dev`."""
INTERVAL_VARIABLE = "CDP_SENSOR_INTERVAL_S"
"""Seconds between two ticks of every sensor, instead of each sensor's own."""
RETRIES = 3
RETRY_AFTER_S = 10
TRACE = "Dagster puts its stack trace below every message; nothing in it need be read."


def data_folders() -> DataFolders:
    """The folders of this deployment: CDP_DATA_DIR, else `data` below the working directory."""
    return DataFolders(Path(os.environ.get(DATA_DIR_VARIABLE, "data")).absolute())


def connection_pool(connection: Connection) -> str:
    """The pool that lets one run at a time use a connection: the next one waits in the queue."""
    return f"connection_{connection.name}"


def now() -> datetime:
    """The clock, read once per run at its edge; everything below is given the time."""
    return datetime.now(UTC)


def sensor_status() -> dg.DefaultSensorStatus:
    """Sensors do what the YAML says from the start, unless the deployment is started `stopped`."""
    stopped = os.environ.get(START_VARIABLE) == "stopped"
    return dg.DefaultSensorStatus.STOPPED if stopped else dg.DefaultSensorStatus.RUNNING


def schedule_status() -> dg.DefaultScheduleStatus:
    """As `sensor_status`, for schedules."""
    stopped = os.environ.get(START_VARIABLE) == "stopped"
    return dg.DefaultScheduleStatus.STOPPED if stopped else dg.DefaultScheduleStatus.RUNNING


def sensor_interval_s(usual: int) -> int:
    """Seconds between two ticks of a sensor: `usual`, unless CDP_SENSOR_INTERVAL_S says otherwise.

    Raises:
        ConfigError: the operator of this deployment must act: the variable holds no whole seconds.
    """
    text = os.environ.get(INTERVAL_VARIABLE, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigError(f"{INTERVAL_VARIABLE} is {text!r}; it must be whole seconds, 1 or more")
    return int(text)


def failure(told: str, metadata: Mapping[str, dg.MetadataValue | int | float | str | bool] | None = None) -> dg.Failure:
    """What a run fails with where a person must act: never tried again by itself.

    Between the message and Dagster's stack trace, which cannot be left out, the page says that the trace says no more.
    """
    return dg.Failure(told, metadata={**(metadata or {}), "stack trace": TRACE}, allow_retries=False)


@contextmanager
def as_dagster_failure(log: logging.Logger | None = None, what: str = "") -> Iterator[None]:
    """Our errors as Dagster's: what nobody need mend is tried again, anything else waits for a person.

    `log`: of the run; it is told how far long work has come. `what`: what could not be done, put before the reason.
    """
    try:
        with told_to(log.info) if log is not None else nullcontext():
            yield
    except CdpError as error:
        if error.retryable:
            raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_AFTER_S) from error
        raise failure(f"{what}: {error}" if what else str(error)) from error
