"""`python -m cdp_assets dev` as a person starts it, and its page as a browser sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

START_S = 240
RUN_S = 180
PAGE_S = 90
T = TypeVar("T")

LOADED = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename
  ... on PythonError { message } } } } } }"""
LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } ... on InvalidSubsetError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


class Dev:
    """One running `dev`, in a folder of its own."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.port, self.process = folder, port, process

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of a GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(error.read().decode())

    def launch(self, asset: str = "", partition: str = "", job: str = "__ASSET_JOB") -> None:
        """Launches a run as the page does, and waits until it has succeeded."""
        selector: dict[str, Any] = {
            "repositoryLocationName": "cdp_assets",
            "repositoryName": "__repository__",
            "jobName": job,
        }
        if asset:
            selector["assetSelection"] = [{"path": asset.split("/")}]
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        parameters = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        answer = self.ask(LAUNCH, p=parameters)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run = answer["run"]["runId"]
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        status = until(lambda: self._status(run) if self._status(run) in ended else None, RUN_S, f"run of {asset}")
        assert status == "SUCCESS", self.log()

    def _status(self, run: str) -> str:
        return str(self.ask(STATUS, run=run)["runOrError"]["status"])

    def page(self, path: str) -> str:
        """The text of a page's elements once it has come to rest, in a browser that has seen nothing before."""
        browser = shutil.which("chromium")
        if browser is None:
            pytest.skip("chromium is not installed: run apt-get install chromium")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        flags += [f"--user-data-dir={self.folder / 'browser'}", "--window-size=1800,2600"]
        flags += ["--virtual-time-budget=20000", "--dump-dom"]
        command = [browser, *flags, f"http://127.0.0.1:{self.port}{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PAGE_S, check=True)
        shutil.rmtree(self.folder / "browser", ignore_errors=True)
        return done.stdout

    def log(self) -> str:
        return (self.folder / "dev.log").read_text()

    def stop(self) -> float:
        """Ctrl-C; the seconds until it ended."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return time.monotonic() - started

    def children(self) -> set[int]:
        """Processes, of any session, that were started in the folder and still run."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    if (entry / "cwd").readlink() == self.folder:
                        found.add(int(entry.name))
                except OSError:
                    continue
        return found


def until(found: Callable[[], T | None], patience_s: float, what: str) -> T:
    """The first answer that is something; fails when the time is over."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.5)
    pytest.fail(f"{what}: nothing after {patience_s} s")


@contextmanager
def running_dev(folder: Path, *arguments: str, **environment: str) -> Iterator[Dev]:
    """`dev` in a folder without any file of this project, its page up and the definitions loaded."""
    port = _free_port()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CDP_", "DAGSTER_", "SHOP_", "PYTEST_", "COV_"))
    }
    command = [sys.executable, "-m", "cdp_assets", "dev", "--port", str(port), *arguments]
    with (folder / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=kept | environment, stdout=log, stderr=log, start_new_session=True
        )
    dev = Dev(folder, port, process)
    try:
        until(lambda: _is_up(dev), START_S, "the page of `dev`")
        yield dev
    finally:
        if process.poll() is None:
            dev.stop()


def _is_up(dev: Dev) -> bool:
    assert dev.process.poll() is None, dev.log()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{dev.port}/server_info", timeout=10):
            pass
    except OSError:
        return False
    entries = dev.ask(LOADED)["workspaceOrError"]["locationEntries"]
    loaded = [entry["locationOrLoadError"] for entry in entries if entry["locationOrLoadError"]]
    assert all(entry["__typename"] == "RepositoryLocation" for entry in loaded), loaded
    return bool(loaded)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
