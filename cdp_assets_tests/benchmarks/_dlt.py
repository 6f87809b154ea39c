"""dlt beside us: the same file, upsert by one key into DuckDB, on its Arrow path; see `_dlt_script.py`.

Measured both ways its documentation knows, its own filesystem source over SFTP and over a local folder, into which
OpenSSH fetches the file first; the faster counts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdp_assets_tests.benchmarks import _environments
from cdp_assets_tests.benchmarks._measure import settle, sftp_get, timed
from cdp_assets_tests.support.sshd import Sshd

PACKAGES = ("dlt[duckdb,filesystem,parquet,sftp]==1.31.0", "duckdb==1.5.6", "pyarrow==26.0.1", "sqlglot==30.8.0")
"""With sqlglot 30.30 a merge of dlt 1.31 fails. The engine is the one we use."""


@dataclass(frozen=True)
class DltDone:
    """Seconds from the file on the server to loaded."""

    over_sftp_s: float
    fetched_s: float

    @property
    def best_s(self) -> float:
        """The faster of its ways."""
        return min(self.over_sftp_s, self.fetched_s)


def dlt_is_there() -> bool:
    """Whether its environment is made."""
    return _environments.is_there("dlt", PACKAGES)


def measure_dlt(sshd: Sshd, ready: Path, work: Path) -> DltDone:
    """The new file onto the old one, which dlt has loaded itself."""
    print("dlt", flush=True)
    base, inbox = work / "dlt", sshd.folder("inbox-")
    shutil.copyfile(ready / "new.csv", inbox / "new.csv")
    print("  its first load, not counted", flush=True)
    _load(base, bucket_url=f"file://{ready}", file_glob="old.csv")

    def load(**source: object) -> float:
        copy = work / "dlt-copy"
        shutil.copytree(base, copy)
        settle()
        seconds = _load(copy, **source)
        shutil.rmtree(copy)
        return seconds

    local = work / "fetched" / "new.csv"
    local.parent.mkdir()
    fetched_s = timed("fetch", lambda: sftp_get(sshd, inbox / "new.csv", local))
    fetched_s += load(bucket_url=f"file://{local.parent}", file_glob="new.csv")
    over_sftp_s = load(
        bucket_url=f"sftp://{sshd.host}{inbox}",
        file_glob="new.csv",
        credentials={
            "sftp_port": sshd.port,
            "sftp_username": sshd.username,
            "sftp_key_filename": str(sshd.private_key_path),
        },
    )
    for folder in (base, local.parent, inbox):
        shutil.rmtree(folder)
    print(f"  fetched first {fetched_s:.1f} s, over SFTP {over_sftp_s:.1f} s", flush=True)
    return DltDone(over_sftp_s, fetched_s)


def _load(folder: Path, **source: object) -> float:
    python = _environments.environment("dlt", PACKAGES) / "python"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(python), str(Path(__file__).with_name("_dlt_script.py")), json.dumps({"folder": str(folder)} | source)],
        env=os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"dlt failed:\n{done.stderr}")
    seconds = float(json.loads(done.stdout.splitlines()[-1])["seconds"])
    print(f"  load: {seconds:.2f} s", flush=True)
    return seconds
