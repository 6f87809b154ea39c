"""An export whose folder on this machine is full or cannot be written: told, and nothing half goes out."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp_assets_tests.support.connected import SEGMENTS, Shop, export_goal, import_goal

ROWS = "email,city,points,tags\n" + "".join(f"u{n}@example.com,city {n},{n},\n" for n in range(20_000))


class Disk:
    """A small file system of its own, mounted where exports are made."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True)

    def mount(self, *options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs the right to mount a file system: {done.stderr.strip()}")

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if not shutil.which("mount"):
        pytest.skip("needs the program mount")
    disk = Disk(tmp_path / "data" / "exports")
    try:
        yield disk
    finally:
        disk.unmount()


def shop_on(sshd, tmp_path: Path, **settings: object) -> Shop:
    goal = export_goal(population="all", file={"name": "vips"} | settings)
    shop = Shop(sshd, tmp_path / "data", [import_goal(), goal])
    shop.put("customers_1.csv", ROWS)
    shop.import_all()
    return shop


def failed(shop: Shop) -> str:
    """Why the goal was not delivered; nothing on the server has changed, and nothing is left half-made here."""
    before = shop.tree()
    [delivered] = shop.deliver()
    assert (delivered.exports, shop.tree()) == ((), before)
    assert [path for path in (shop.folders.root / "exports").glob("*/*/*") if path.is_dir()] == []
    return delivered.error


@pytest.mark.parametrize("size", ["64k", "900k"])
def test_a_full_disk_is_told_and_nothing_half_goes_out(sshd, tmp_path: Path, disk: Disk, size: str) -> None:
    """At 64 KiB there is no room for the rows, at 900 KiB none for the file that is made of them."""
    shop = shop_on(sshd, tmp_path)
    disk.mount(f"size={size}")
    told = "on this machine is full (No space left on device); make room there and run again"
    assert failed(shop) == f"the disk of {disk.place} {told}"
    disk.unmount()
    [delivered] = shop.deliver()
    assert (delivered.error, delivered.exports[0].rows) == ("", 19_990)


def test_a_folder_that_cannot_be_written_is_told(sshd, tmp_path: Path, disk: Disk) -> None:
    shop = shop_on(sshd, tmp_path)
    shop.deliver()
    disk.mount("ro")
    told = f"on this machine cannot be written (Read-only file system); let {getpass.getuser()} write there and run"
    assert failed(shop) == f"{disk.place} {told} again"


def test_a_disk_that_is_full_for_one_goal_does_not_stop_the_next(sshd, tmp_path: Path, disk: Disk) -> None:
    shop = shop_on(sshd, tmp_path)
    small = export_goal("few", population="all", columns=[{"text": "a", "as": "b"}], segment="first")
    shop._goals.append(small)
    shop.model = {"segments": [*SEGMENTS, {"name": "first", "where": {"property": "points", "values": [1]}}]}
    disk.mount("size=200k")
    full, fitting = shop.deliver()
    assert "is full" in full.error
    assert (fitting.error, fitting.exports[0].rows) == ("", 1)
