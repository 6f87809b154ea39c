"""Long work tells how far it has come, to whoever listens, not too often and never of a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets import progress
from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.sftp import open_server
from cdp_assets.progress import Progress, latest, told_to
from cdp_assets_tests.assets.conftest import shop  # noqa: F401
from cdp_assets_tests.assets.world import ANNA, BERT
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}],
}


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test puts forward."""
    at = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: at[0])
    return at


@pytest.fixture
def always(monkeypatch):
    """Tells of every step, however soon."""
    monkeypatch.setattr(progress, "EVERY_S", 0)
    monkeypatch.setattr(progress, "LONG_PART", 2)


def test_it_is_told_every_few_seconds_with_an_estimate(clock):
    lines = []
    with told_to(lines.append):
        work = Progress("fetch a.csv", 10_000_000, "bytes")
        for _ in range(10):
            clock[0] += 2
            work.add(1_000_000)
    assert lines == [
        "fetch a.csv: 3.0 MB of 10.0 MB (30 %), about 14 s to go",
        "fetch a.csv: 6.0 MB of 10.0 MB (60 %), about 8 s to go",
        "fetch a.csv: 9.0 MB of 10.0 MB (90 %), about 2 s to go",
    ]


def test_short_work_and_work_nobody_listens_to_say_nothing(clock):
    lines = []
    with told_to(lines.append):
        Progress("fold", 10, "rows").add(10)
    work = Progress("fold", 10, "rows")
    clock[0] += 60
    work.add(5)
    assert (lines, latest()) == ([], "")


def test_a_listener_that_fails_is_not_asked_again_and_spoils_nothing(clock):
    asked = []

    def broken(line: str) -> None:
        asked.append(line)
        raise OSError("the log is full")

    with told_to(broken):
        work = Progress("fold", 10, "rows")
        for _ in range(3):
            clock[0] += 6
            work.add(1)
    assert len(asked) == 1


def test_a_transfer_tells_of_its_bytes_in_both_directions(shop, tmp_path, always):  # noqa: F811
    path = shop.put("customers_1.csv", *[ANNA] * 40_000)
    lines = []
    with told_to(lines.append), open_server(shop.connection.server) as server:
        (file,) = [one for one in server.list_files("in") if isinstance(one, RemoteFile)]
        server.fetch(file, tmp_path / "copy")
        server.deliver(tmp_path / "copy", "out/copy.csv")
    size = (
        f"{path.stat().st_size / 1_000:.1f} kB" if path.stat().st_size < 1e6 else f"{path.stat().st_size / 1e6:.1f} MB"
    )
    assert lines[0].startswith("fetch in/customers_1.csv: ")
    assert f"fetch in/customers_1.csv: {size} of {size} (100 %)" in lines
    assert lines[-1] == f"deliver out/copy.csv: {size} of {size} (100 %)"


def test_a_fold_tells_of_its_rows_and_a_rebuild_too(tmp_path, always):
    room = Lab(tmp_path, deployment([{"name": "email", "type": "email"}, {"name": "city"}], [GOAL]))
    for number in (1, 2):
        at = EPOCH + timedelta(days=number)
        room.land("people", f"people_{number}.csv", "mail,city\na@x.com,Ede\nb@x.com,Goes\n", look_at=at)
    lines = []
    with told_to(lines.append):
        room.fold()
        room.fold(rebuild=True)
    for word in ("fold", "rebuild"):
        assert f"{word}: 4 of 4 rows (100 %)" in lines
    assert lines[0] == "fold: 0 of 4 rows (0 %), next 4 rows of 2 files in one pass"
    assert not any("x.com" in line for line in lines)


def test_the_log_of_a_run_has_it(shop, always):  # noqa: F811
    shop.put("customers_1.csv", ANNA, BERT)
    ran = shop.run("shop__run_now")
    assert ran.success
    told = [entry.user_message for entry in shop.instance.all_logs(ran.run_id)]
    assert any(line.startswith("fetch in/customers_1.csv: ") for line in told)
    assert any("fold: 2 of 2 rows (100 %)" in line for line in told)
    assert any(line.startswith("deliver out/vip.csv: ") for line in told)
