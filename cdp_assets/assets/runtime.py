"""What an asset needs when it runs, and how it fails: folders, the clock, and errors in Dagster's terms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from cdp_assets.errors import CdpError, RemoteDownError
from cdp_assets.flows.folders import DataFolders

DATA_DIR_VARIABLE = "CDP_DATA_DIR"
START_VARIABLE = "CDP_START"
"""`stopped` loads sensors and schedules switched off, so that a person switches them on; see `make dev`."""


def data_folders() -> DataFolders:
    """The folders of this deployment: CDP_DATA_DIR, else `data` below the working directory."""
    return DataFolders(Path(os.environ.get(DATA_DIR_VARIABLE, "data")).absolute())


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


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Our errors as Dagster's: a lost link is tried again, anything else waits for a person."""
    try:
        yield
    except RemoteDownError as error:
        raise dg.RetryRequested(max_retries=3, seconds_to_wait=10) from error
    except CdpError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
