"""Transfer: a large file from a real sshd, plain and as `.csv.gz.pgp`, against OpenSSH `sftp` and `gpg` alone.

fetch    our verified download beside `sftp get` of the same file
decrypt  our checked decryption beside `gpg --decrypt` of the same file, to a file each
land     look, fetch, decrypt, unpack, type, put in place; the peak of memory is of the whole process tree, with
         the few MB of the server
`GIGABYTES=2` is the default; each figure is the middle one of three, of landings the only one.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cdp_assets.files.limits import Limits
from cdp_assets.files.pgp import PgpKeys, decrypt
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.run_connection import import_new
from cdp_assets_tests.benchmarks._measure import apart, sftp_get, timed
from cdp_assets_tests.benchmarks._peak import peak_of_tree
from cdp_assets_tests.benchmarks._people import PROPERTIES, people_goal, write_people
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.openpgp import Key, Keyring, new_keyring
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

GIGABYTES = float(os.environ.get("GIGABYTES", "2"))
BYTES_PER_ROW = 118
NOW = datetime(2026, 1, 2, tzinfo=UTC)
REPEATS = 3


def run() -> str:
    """The figures, as one line of ratios."""
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        new_keyring() as ring,
        tempfile.TemporaryDirectory() as made,
    ):
        work, key = Path(made), ring.key("ours", passphrase="a phrase")
        inbox = {name: sshd.folder(f"{name}-") for name in ("plain", "sealed")}
        plain, sealed = inbox["plain"] / "people_1.csv", inbox["sealed"] / "people_1.csv.gz.pgp"
        apart(write_people, plain, range(int(GIGABYTES * 1e9 / BYTES_PER_ROW)))
        _seal(ring, key, plain, sealed, work)
        print(f"plain {plain.stat().st_size / 1e9:.2f} GB, sealed {sealed.stat().st_size / 1e9:.2f} GB", flush=True)
        fetched = _fetching(sshd, inbox["plain"], plain, work)
        decrypted = _decrypting(ring, key, sealed, work)
        with peak_of_tree() as peak_plain:
            _land(sshd, inbox["plain"], work / "a", None, "people_*.csv")
        print(f"  peak {peak_plain.gb:.2f} GB", flush=True)
        with peak_of_tree() as peak_sealed:
            _land(sshd, inbox["sealed"], work / "b", key, "people_*.csv.gz.pgp")
        print(f"  peak {peak_sealed.gb:.2f} GB", flush=True)
    peaks = f"peak {peak_plain.gb:.2f} GB plain, {peak_sealed.gb:.2f} GB sealed"
    return f"transfer: {fetched:.2f} x sftp, {decrypted:.2f} x gpg, {peaks}"


def _seal(ring: Keyring, key: Key, plain: Path, sealed: Path, work: Path) -> None:
    packed = work / "packed.gz"
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    ring.gpg(
        "--recipient", key.fingerprint, "--compress-algo", "none", "--output", str(sealed), "--encrypt", str(packed)
    )
    packed.unlink()


def _fetching(sshd: Sshd, inbox: Path, plain: Path, work: Path) -> float:
    """Seconds of ours over seconds of sftp."""
    local = work / "fetched"

    def theirs() -> None:
        sftp_get(sshd, plain, local)

    def ours() -> None:
        with open_server(sshd.server_config(user_directory=str(inbox))) as server:
            (file,) = server.list_files(str(inbox))
            server.fetch(file, local)

    return _ratio("fetch", ours, theirs, local)


def _decrypting(ring: Keyring, key: Key, sealed: Path, work: Path) -> float:
    """Seconds of ours over seconds of gpg."""
    local = work / "decrypted"

    def theirs() -> None:
        ring.gpg("--output", str(local), "--decrypt", str(sealed), passphrase=key.passphrase)

    def ours() -> None:
        decrypt(sealed, local, PgpKeys(key.private, passphrase=key.passphrase), Limits())

    return _ratio("decrypt", ours, theirs, local)


def _ratio(name: str, ours: Callable[[], None], theirs: Callable[[], None], local: Path) -> float:
    found: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(REPEATS):
        for side, work in (("theirs", theirs), ("ours", ours)):
            local.unlink(missing_ok=True)
            found[side].append(timed(f"{name} {side}", work))
    local.unlink()
    return statistics.median(found["ours"]) / statistics.median(found["theirs"])


def _land(sshd: Sshd, inbox: Path, data: Path, key: Key | None, root: str) -> None:
    goal = people_goal(identifiers=["email"]) | {"files": {"root": root, "delta": True}}
    connection: dict[str, object] = {"name": "shop", "goals": [goal]}
    connection["server"] = sshd.server_config(user_directory=str(inbox)).model_dump()
    data.mkdir()
    if key is not None:
        (data / "key").write_text(key.private)
        (data / "phrase").write_text(key.passphrase)
        for name in ("key", "phrase"):
            (data / name).chmod(0o600)
        pgp = {"private_key": {"file": str(data / "key")}, "passphrase": {"file": str(data / "phrase")}}
        connection["pgp"] = pgp
    setup = deployment(PROPERTIES, [], connections=[connection])

    def land() -> None:
        imported = import_new(setup, setup.connections[0], DataFolders(data), NOW)
        assert [outcome.error for outcome in imported.outcomes] == [""]

    timed(f"land {root}", land)
    shutil.rmtree(data)
