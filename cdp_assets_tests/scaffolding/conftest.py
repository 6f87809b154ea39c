"""A real OpenSSH server with three kinds of files, of which a connection is drafted."""

import shutil

import pytest

from cdp_assets_tests.scaffolding.files import CARDS, CUSTOMERS, TIMES


@pytest.fixture
def server(sshd, tmp_path, monkeypatch):
    """The server with three kinds of files; nothing is written in YAML yet."""
    folder = sshd.root / "drafted"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in {
        "klanten_20261124.csv": CUSTOMERS,
        "klanten_20261125.csv": CUSTOMERS,
        "cards.csv": CARDS,
        "log_20261125.csv": TIMES,
        "klanten_20261123.csv.done": "",
    }.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    (tmp_path / "defs").mkdir()
    place = ["--host", sshd.host, "--port", str(sshd.port), "--user", sshd.username, "--directory", str(folder)]
    return [*place, "--key", str(sshd.private_key_path)], ["--host-key", sshd.host_key], tmp_path / "defs"
