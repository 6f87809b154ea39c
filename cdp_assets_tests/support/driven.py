"""The tests' end of `faults/driver.py`: processes that run a connection's flows and may be killed."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cdp_assets_tests.faults.driver import VERBS

KILLED = -9
_WAIT_S = 240.0


class Driver:
    """One driver process, bound to a deployment and a data folder."""

    def __init__(self, process: subprocess.Popen[str], scratch: Path, deployment: dict[str, Any], data: Path) -> None:
        self._process, self._scratch = process, scratch
        self._deployment, self._data = deployment, data
        self.trace = scratch / "trace"

    def start(
        self,
        now: datetime,
        verbs: Sequence[str] = VERBS,
        *,
        kill_at: int = 0,
        fault: str = "",
        share: tuple[int, int] = (0, 1),
        deployment: dict[str, Any] | None = None,
        data: Path | None = None,
    ) -> None:
        """Gives an order and does not wait. `kill_at` 0 = nobody is killed; `data` = another data folder."""
        order = {
            "deployment": deployment or self._deployment,
            "data": str(data or self._data),
            "now": now.isoformat(),
            "verbs": list(verbs),
            "share": list(share),
            "fault": f"kill:{kill_at}" if kill_at else fault,
            "trace": str(self.trace),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def wait(self, timeout_s: float = _WAIT_S) -> int:
        """The exit code of the order given last."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout_s), f"no answer in {timeout_s:g} s:\n{self.errors()}"
        answer = self._process.stdout.readline()
        assert answer, f"the driver died:\n{self.errors()}"
        return int(answer)

    def run(self, now: datetime, verbs: Sequence[str] = VERBS, **settings: Any) -> int:
        self.start(now, verbs, **settings)
        code = self.wait()
        assert code in {0, KILLED}, self.errors()
        return code

    def errors(self) -> str:
        return (self._scratch / "errors").read_text(errors="replace")

    def children(self) -> list[int]:
        """Process ids of what runs the order under way."""
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]


@contextmanager
def driver(scratch: Path, deployment: dict[str, Any], data: Path) -> Iterator[Driver]:
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "cdp_assets_tests.faults.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        found = Driver(process, scratch, deployment, data)
        try:
            yield found
        finally:
            for pid in found.children() if process.poll() is None else []:
                os.kill(pid, 9)
            process.stdin.close()
            process.stdout.close()
            process.wait(20)
