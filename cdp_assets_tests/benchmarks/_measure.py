"""How the benchmarks measure: seconds, and memory of processes that begin empty."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import cdp_assets_tests
from cdp_assets_tests.support.sshd import Sshd

BUILD = Path(cdp_assets_tests.__file__).parents[1] / "build"
"""What takes minutes to make is kept here between runs; `make clean` removes it."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


def timed(name: str, work: Callable[[], object]) -> float:
    """Seconds the work took; also printed."""
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"  {name}: {seconds:.2f} s", flush=True)
    return seconds


def apart(work: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs) -> _R:
    """What a function returns in a process of its own: its memory begins empty and is gone afterwards."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **named).result()


def settle() -> None:
    """Before a measurement: what earlier steps wrote must not be on its way to the disk any more."""
    os.sync()


def sizes(variable: str, default: str) -> Sequence[int]:
    """Whole numbers from the environment, separated by commas."""
    return [int(text) for text in os.environ.get(variable, default).split(",")]


def size(variable: str, default: int) -> int:
    """A whole number from the environment."""
    (found,) = sizes(variable, str(default))
    return found


def sftp_get(sshd: Sshd, remote: Path, local: Path) -> None:
    """OpenSSH's own client fetches one file."""
    command = [
        *("sftp", "-q", "-P", str(sshd.port), "-i", str(sshd.private_key_path)),
        *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={local.with_name('known_hosts')}"),
        *(f"{sshd.username}@{sshd.host}:{remote}", str(local)),
    ]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
