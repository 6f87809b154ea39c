"""Kill an export at its first step, its second, …: the next run finishes or adopts what was begun."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from cdp_assets.flows.folders import DataFolders
from cdp_assets_tests.support.connected import START, Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import KILLED, driver

HEADER = "email,city,points,tags\n"
COLUMNS = [{"profile_id": {}}, {"property": "email"}, {"property": "points"}]
GOALS = {
    "difference": export_goal(
        population="difference", columns=COLUMNS, file={"name": "vips", "manifest": True, "ready": "{name}.ready"}
    ),
    "parts": export_goal(file={"name": "vips_{timestamp}", "split": {"rows": 2}, "when_taken": "fail", "gzip": True}),
    "counted": export_goal(
        population="all",
        file={"name": "vips_{timestamp}", "when_empty": "no_file"},
        lifecycle={"id": "club", "stages": ["vip"]},
    ),
    "new names": export_goal(population="all", file={"name": "vips", "when_taken": "new_name"}),
    "events": export_goal(
        events={"types": "all"}, file={"name": "vips", "gzip": True, "manifest": True, "ready": "{name}.ready"}
    ),
}
CLUB = {
    "id": "club",
    "entrance": {"property": "email", "not_is_empty": True},
    "stages": [
        {"id": "vip", "where": {"segment": "vip"}, "threshold": {"views": 1, "duration": "HOUR"}},
        {"id": "gone", "where": {"property": "city", "values": ["Oslo"]}},
    ],
}
QUICK = ("counted",)
FACTS = (
    "SELECT profile_id, row_digest FROM ops.exported_rows ORDER BY ALL",
    "SELECT path, state, rows, sha256 FROM ops.exports WHERE uploaded ORDER BY ALL",
    (
        "SELECT path, stream, action, part, rows, sha256 FROM ops.export_files"
        " WHERE export_id IN (SELECT export_id FROM ops.exports WHERE uploaded) ORDER BY ALL"
    ),
    "SELECT lifecycle, stage, profile_id, goal, time FROM ops.lifecycle_events ORDER BY ALL",
    "SELECT * FROM ops.lifecycle_places",
)
"""Of what was sent: the adopting run looks at files of events once more, and finds that they stand there."""


def outcome(shop: Shop):
    assert [path for path in (shop.folders.root / "exports").glob("*/*/*") if path.is_dir()] == []
    return [shop.rows(fact) for fact in FACTS], shop.tree()


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GOALS],
)
def test_a_death_at_any_step_of_an_export_leaves_no_trace(sshd, tmp_path, name):
    # Every row is an order, too, of the time its file was seen.
    orders = [{"type": "order", "id": "email", "date": "city", "on_missing_date": "now"}] if name == "events" else []
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True}, events=orders), GOALS[name]])
    shop.model = {"lifecycles": [CLUB]}
    shop.put("customers_1.csv", HEADER + "".join(f"p{number}@x.com,Rome,{number + 8},\n" for number in range(6)))
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        assert process.run(START) == 0
        shop.put("customers_2.csv", HEADER + "p0@x.com,Rome,9,\np5@x.com,Rome,-9,\np2@x.com,Oslo,1,\n")
        later = START + timedelta(hours=1)
        assert process.run(later, ("import", "fold", "acknowledge", "select", "place")) == 0
        keep(shop, tmp_path / "kept")
        assert process.run(later, ["deliver"]) == 0
        expected = outcome(shop)
        deaths = 0
        for number in range(1, 60):
            restore(shop, tmp_path / "kept")
            if process.run(later, ["deliver"], kill_at=number) != KILLED:
                break
            check_whole(shop, expected[1])
            # The adopting run writes a delivery of its own only where something is due.
            assert process.run(later, ["deliver"]) == 0
            assert without_repeats(outcome(shop), name) == without_repeats(expected, name), process.trace.read_text()
            deaths += 1
        assert deaths > 4


def without_repeats(found, name):
    """`all` under new names sends everybody once more in the run that finishes another's delivery."""
    facts, tree = found
    if name != "new names":
        return facts, tree
    return facts[0], {path: data for path, data in tree.items() if not path.endswith("_2.csv")}


def check_whole(shop: Shop, expected) -> None:
    for path, data in shop.tree().items():
        if path.startswith("out/") and not path.startswith("out/."):
            old = path in shop.before and shop.before[path] == data
            assert old or data == expected[path], path


def keep(shop: Shop, kept) -> None:
    shutil.copytree(shop.remote, kept / "remote")
    shutil.copytree(shop.folders.root, kept / "data")
    shop.before = shop.tree()


def restore(shop: Shop, kept) -> None:
    for name, folder in shop.dirs.items():
        for path in folder.iterdir():
            path.unlink()
        for path in (kept / "remote" / name).iterdir():
            shop.give(shutil.copy2(path, folder))
    shutil.rmtree(shop.folders.root)
    shutil.copytree(kept / "data", shop.folders.root)
    assert isinstance(shop.folders, DataFolders)
