"""What gpg leaves to be seen: no secret while it runs, no process, home or plaintext afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cdp_assets.errors import FileError
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt, default_engine
from cdp_assets.files.pgp_gpg import GpgEngine
from cdp_assets_tests.files.pgp.conftest import PASSPHRASE, PLAIN

PATIENCE_S = 30

CHILD = """
import sys
from pathlib import Path
from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt
from cdp_assets.files.pgp_gpg import GpgEngine
source, target = map(Path, sys.argv[1:])
decrypt(source, target, PgpKeys(sys.stdin.read()), Limits(), engine=GpgEngine())
"""


@pytest.fixture(scope="module")
def large(ring, ours, protected, tmp_path_factory):
    """Large enough that gpg can be watched at work."""
    path = tmp_path_factory.mktemp("large") / "large.pgp"
    content = random.Random(1).randbytes(60_000_000)
    path.write_bytes(ring.encrypted(content, ours, protected, options=("--compress-algo", "none")))
    return path


def test_gpg_is_used_where_it_is_installed(ring, monkeypatch):
    assert default_engine().name == "gpg"
    monkeypatch.setenv("PATH", "")
    assert default_engine().name == "PGPy"


def test_no_secret_is_seen_in_any_command_line_or_environment(large, protected, tmp_path, monkeypatch):
    monkeypatch.setenv("CDP_TEST_CANARY", "secret")
    keys = PgpKeys(protected.private, PASSPHRASE)
    arguments = (large, tmp_path / "plain", keys, Limits())
    work = threading.Thread(target=decrypt, args=arguments, kwargs={"engine": GpgEngine()})
    work.start()
    seen = {}
    while work.is_alive():
        seen |= _processes_of(os.getpid())
    work.join(PATIENCE_S)
    assert (tmp_path / "plain").exists()
    everything = b"".join([*seen.keys(), *seen.values()])
    assert b"--decrypt" in everything
    assert b"gpg-agent" in everything
    assert PASSPHRASE.encode() not in everything
    assert b"CDP_TEST_CANARY" not in everything


@pytest.mark.parametrize("share", [1, 0.7])
def test_neither_home_nor_agent_nor_plaintext_is_left(ring, protected, tmp_path, share):
    content = ring.encrypted(PLAIN, protected)
    source, folder = tmp_path / "received", tmp_path / "private"
    source.write_bytes(content[: int(len(content) * share)])
    folder.mkdir()
    before = _homes()
    with suppress(FileError):
        decrypt(source, folder / "plain", PgpKeys(protected.private, PASSPHRASE), Limits(), engine=GpgEngine())
    assert [path.name for path in folder.iterdir()] == (["plain"] if share == 1 else [])
    assert _homes() <= before
    _wait_until(lambda: not _processes_of(os.getpid()))


def test_a_folder_with_a_long_name_holds_a_home_all_the_same(ring, ours, tmp_path):
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    (tmp_path / "received").write_bytes(ring.encrypted(PLAIN, ours))
    decrypt(tmp_path / "received", folder / "plain", PgpKeys(ours.private), Limits(), engine=GpgEngine())
    assert (folder / "plain").read_bytes() == PLAIN


def test_a_kill_in_the_middle_leaves_files_in_the_private_folder_alone(large, ours, tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    before = _homes()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(large), str(folder / "plain")], stdin=subprocess.PIPE, text=True
    )
    child.stdin.write(ours.private)
    child.stdin.close()
    _wait_until(lambda: any(path.stat().st_size for path in folder.glob(".plain.*.partial")))
    os.kill(child.pid, signal.SIGKILL)
    child.wait(PATIENCE_S)
    assert not (folder / "plain").exists()
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    assert _homes() <= before
    _wait_until(lambda: not [text for text in _processes_of(child.pid) if b"--decrypt" in text])


def test_a_second_run_after_a_kill_gives_the_file(ring, ours, tmp_path):
    (tmp_path / ".plain.00000000.partial").write_bytes(b"half")
    (tmp_path / "plain").write_bytes(b"older")
    (tmp_path / "received").write_bytes(ring.encrypted(PLAIN, ours))
    decrypt(tmp_path / "received", tmp_path / "plain", PgpKeys(ours.private), Limits(), engine=GpgEngine())
    assert (tmp_path / "plain").read_bytes() == PLAIN


def _homes() -> set[Path]:
    return {path for path in Path(tempfile.gettempdir()).iterdir() if "gnupg" in path.name}


def _processes_of(pid: int) -> dict[bytes, bytes]:
    """What was started with a home that this process holds open: command line to environment."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if f"/proc/{pid}/fd".encode() in command:
                found[command] = (folder / "environ").read_bytes()
    return found


def _wait_until(happened) -> None:
    until = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.005)
