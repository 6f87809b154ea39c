"""A row-by-row peer: Singer's `tap-sftp` piped into `target-duckdb`, merging by one key, as their READMEs say.

Each has an environment of its own, as target-duckdb's README asks for. The first file is loaded by them as well, and
not counted. The log-in is an RSA key, since tap-sftp reads no other.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import asyncssh
import duckdb

from cdp_assets_tests.benchmarks._environments import environment
from cdp_assets_tests.benchmarks._measure import apart, settle, timed
from cdp_assets_tests.benchmarks._people import write_people
from cdp_assets_tests.support.sshd import Sshd

TAP = ("tap-sftp==1.3.0",)
TARGET = ("target-duckdb==0.8.0", "duckdb==1.5.6")


def measure_singer(sshd: Sshd, work: Path, rows: int) -> float:
    """Seconds for a file of so many rows onto as many profiles, half of which it updates."""
    print("tap-sftp | target-duckdb", flush=True)
    folder, inbox = work / "singer", sshd.folder("inbox-")
    folder.mkdir()
    apart(write_people, inbox / "old.csv", range(rows))
    apart(write_people, inbox / "new.csv", range(rows // 2, rows // 2 + rows))
    key = asyncssh.generate_private_key("ssh-rsa")
    key.write_private_key(folder / "key")
    (folder / "key").chmod(0o600)
    sshd.authorize(key.export_public_key().decode())
    _configure(folder, sshd, inbox)
    timed("its first load, not counted", lambda: _pipe(folder, "old.csv"))
    settle()
    seconds = timed("discover and load", lambda: _pipe(folder, "new.csv"))
    with duckdb.connect(str(folder / "people.duckdb"), read_only=True) as con:
        (found,) = con.execute("SELECT count(*) FROM shop.people").fetchone() or (0,)
    assert found == rows + rows // 2, f"{found} profiles"
    for made in (folder, inbox):
        shutil.rmtree(made)
    return seconds


def _configure(folder: Path, sshd: Sshd, inbox: Path) -> None:
    """What does not change from file to file."""
    settings = {
        "host": sshd.host,
        "port": sshd.port,
        "username": sshd.username,
        "private_key_file": str(folder / "key"),
        "start_date": "2000-01-01T00:00:00Z",
    }
    table = {"table_name": "people", "search_prefix": str(inbox), "key_properties": ["email"], "delimiter": ","}
    for name in ("old.csv", "new.csv"):
        tables = json.dumps([table | {"search_pattern": name.replace(".", r"\.")}])
        (folder / f"{name}.json").write_text(json.dumps(settings | {"tables": tables}))
    target = {"path": str(folder / "people.duckdb"), "default_target_schema": "shop"}
    (folder / "target.json").write_text(json.dumps(target))


def _pipe(folder: Path, name: str) -> None:
    """Discovers the stream, selects it, and pipes its rows into the target."""
    tap = [str(environment("tap-sftp", TAP) / "tap-sftp"), "--config", str(folder / f"{name}.json")]
    target = [str(environment("target-duckdb", TARGET) / "target-duckdb"), "--config", str(folder / "target.json")]
    with (folder / "log").open("wb") as log:
        found = subprocess.run([*tap, "--discover"], stdout=subprocess.PIPE, stderr=log, check=True)
        catalog = json.loads(found.stdout)
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = True
        (folder / "catalog.json").write_text(json.dumps(catalog))
        with subprocess.Popen(
            [*tap, "--catalog", str(folder / "catalog.json")], stdout=subprocess.PIPE, stderr=log
        ) as rows:
            done = subprocess.run(target, stdin=rows.stdout, stdout=subprocess.DEVNULL, stderr=log, check=False)
    if rows.returncode or done.returncode:
        told = (folder / "log").read_text(errors="replace").splitlines()[-20:]
        raise RuntimeError("\n".join(["tap-sftp | target-duckdb failed:", *told]))
