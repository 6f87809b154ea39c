"""Our side: from a file on a server to profiles that are committed, in processes whose memory can be told."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cdp_assets
from cdp_assets.config.model import Deployment
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.publish import publish
from cdp_assets.flows.run_connection import import_new
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.benchmarks import _people
from cdp_assets_tests.benchmarks._measure import BUILD, apart, timed
from cdp_assets_tests.benchmarks._peak import peak_of_tree
from cdp_assets_tests.benchmarks._people import PROPERTIES, people_goal, write_people
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.sshd import Sshd

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Done:
    """What it took to bring in what was on the server."""

    land_s: float
    """Look, fetch verified, type, put in place."""
    fold_s: float
    """Match, apply rules, ledger, commit, close the warehouse."""
    publish_s: float
    """The readers' copy, which nobody has to wait for."""
    peak_gb: float
    """Of all three; of the processes that did it, without the server."""

    @property
    def committed_s(self) -> float:
        """From the file on the server to committed."""
        return self.land_s + self.fold_s


def shop(sshd: Sshd, inbox: Path, *goals: dict[str, object]) -> Deployment:
    """One connection to a server, with these goals, or the one that imports people."""
    server = sshd.server_config(user_directory=str(inbox)).model_dump()
    connection = {"name": "shop", "server": server, "goals": list(goals or [people_goal()])}
    return deployment(PROPERTIES, [], connections=[connection])


def bring_in(setup: Deployment, data: Path, *, minute: int = 0, publishing: bool = True) -> Done:
    """Brings in everything new on the server, in this process; a later call wants a later `minute`."""
    folders, now = DataFolders(data), NOW + timedelta(minutes=minute)
    with peak_of_tree() as peak:
        land_s = timed("land", lambda: land(setup, folders, now))
        fold_s = timed("fold", lambda: fold(setup, folders, now))
        publish_s = timed("publish", lambda: publish(folders)) if publishing else 0.0
    return Done(land_s, fold_s, publish_s, peak.gb)


def land(setup: Deployment, folders: DataFolders, now: datetime, goal: str | None = None) -> None:
    """Lands what is new; a file that is refused ends the benchmark."""
    imported = import_new(setup, setup.connections[0], folders, now, goal)
    assert imported.outcomes, "nothing new on the server"
    assert not any(outcome.error for outcome in imported.outcomes), imported.outcomes


def fold(setup: Deployment, folders: DataFolders, now: datetime) -> None:
    """Folds what is landed and closes the warehouse, which is then wholly on disk."""
    with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
        fold_batches(database, setup.model, folders, now)


def prepared(sshd: Sshd, rows: int) -> Path:
    """A folder with `old.csv`, `new.csv` with half of the same people, and `data`, where the old one is in.

    Kept in the build folder for as long as neither the package nor the people change: it takes minutes.
    """
    folder = BUILD / f"people-{rows}"
    marker, made_from = folder / "made_from", _sources()
    if marker.exists() and marker.read_text() == made_from:
        return folder
    print(f"  preparing {rows:,} profiles", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    apart(write_people, folder / "old.csv", range(rows))
    apart(write_people, folder / "new.csv", range(rows // 2, rows // 2 + rows))
    inbox = sshd.folder("first-")
    shutil.copyfile(folder / "old.csv", inbox / "people_1.csv")
    apart(bring_in, shop(sshd, inbox), folder / "data", publishing=False)
    shutil.rmtree(inbox)
    marker.write_text(made_from)
    return folder


def _sources() -> str:
    """Tells whether the code that prepares is still the same."""
    paths: Sequence[Path] = [*sorted(Path(cdp_assets.__file__).parent.rglob("*.py")), Path(_people.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
