"""Onto a real server: every file whole under its name or not there, in order, once; nobody's file is spoilt."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.export_job import ExportJob
from cdp_assets.flows.preview_export import preview_export
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal
from cdp_assets_tests.support.proxy import Proxy

HEADER = "email,city,points,tags\n"
ORDER = {"type": "order", "id": "order", "date": "day"}


def shop_of(sshd, folder, *goals, people=4, pgp=None):
    """A shop that has imported so many people, all of them in the segment."""
    shop = EncryptingShop(sshd, folder, [import_goal(files={"delta": True}), *goals], pgp)
    shop.put("customers_1.csv", HEADER + "".join(f"p{number}@x.com,Rome,{number + 10},\n" for number in range(people)))
    shop.import_all()
    return shop


class EncryptingShop(Shop):
    def __init__(self, sshd, folder, goals, pgp):
        super().__init__(sshd, folder, goals)
        self.pgp = pgp

    def settings(self, **server):
        settings = super().settings(**server)
        settings["connections"][0]["pgp"] = self.pgp
        return settings

    def deliver_through(self, port):
        """As `deliver`, over another port."""
        deployment = Deployment.model_validate(self.settings(port=port))
        self.now += timedelta(hours=1)
        run_connection.select(deployment.model, self.folders, self.now, ("vip",))
        return list(run_connection.deliver(deployment, deployment.connections[0], self.folders, self.now))

    def visible(self):
        """What a consumer sees: everything but hidden parts."""
        return {name: (self.dirs["out"] / name).read_bytes() for name in self.names("out") if not name.startswith(".")}


def emails(*contents):
    return sorted(row["email"] for data in contents for row in csv.DictReader(data.decode().splitlines()))


def test_parts_then_manifest_then_ready_file(sshd, tmp_path):
    file = {"name": "vips_{timestamp}", "split": {"rows": 3}, "manifest": True, "ready": "{name}.ready", "gzip": True}
    shop = shop_of(sshd, tmp_path, export_goal(file=file))
    shop.deliver()
    files = shop.visible()
    stem = "vips_20260301083000"
    assert [*files] == [f"{stem}.manifest.json", f"{stem}.ready", f"{stem}_1.csv.gz", f"{stem}_2.csv.gz"]
    parts = [gzip.decompress(files[f"{stem}_{part}.csv.gz"]) for part in (1, 2)]
    assert emails(*parts) == [f"p{number}@x.com" for number in range(4)]
    manifest = json.loads(files[f"{stem}.manifest.json"])
    assert [(item["name"], item["rows"], item["bytes"]) for item in manifest["files"]] == [
        (f"{stem}_{part}.csv.gz", rows, len(files[f"{stem}_{part}.csv.gz"])) for part, rows in ((1, 3), (2, 1))
    ]
    assert files[f"{stem}.ready"] == b""
    assert shop.rows("SELECT stream FROM ops.export_files ORDER BY number") == [
        ("profiles",), ("profiles",), ("manifest",), ("ready",)
    ]  # fmt: skip


def test_files_of_events_are_part_of_the_delivery(sshd, tmp_path):
    """Named in the manifest, before the ready file; told by history and metadata; sent again only if they differ."""
    file = {"name": "vips", "manifest": True, "ready": "{name}.ready"}
    shop = shop_of(
        sshd, tmp_path, export_goal(file=file, events={"types": "all"}), import_goal("orders", events=[ORDER])
    )
    shop.put("orders_1.csv", "email,order,day\np1@x.com,o1,2026-02-01\np1@x.com,o2,2026-02-02\n")
    shop.import_all()
    (done,) = shop.deliver()
    files = shop.visible()
    assert [*files] == ["order.csv", "order_product.csv", "vips.csv", "vips.manifest.json", "vips.ready"]
    assert files["order.csv"].count(b"\n") == 3
    manifest = json.loads(files["vips.manifest.json"])
    assert (manifest["rows"], [(item["name"], item["rows"]) for item in manifest["files"]]) == (
        4, [("vips.csv", 4), ("order.csv", 2), ("order_product.csv", 0)]
    )  # fmt: skip
    out = str(shop.dirs["out"])
    told = f"Exported 4 profiles to {out}/vips.csv. Exported 2 events to {out}/order.csv."
    told += f" Exported 0 items to {out}/order_product.csv."
    assert done.exports[-1].told == told
    assert shop.rows("SELECT message FROM ops.export_history") == [(told,)]
    (again,) = shop.deliver()
    assert (again.exports[-1].note, again.exports[-1].uploaded) == ("the same content already stands there", False)
    shop.put("orders_2.csv", "email,order,day\np1@x.com,o3,2026-02-03\n")
    shop.import_all()
    shop.deliver()
    assert shop.visible()["order.csv"].count(b"\n") == 4
    assert shop.rows("SELECT message FROM ops.export_history LIMIT 1")[0][0].startswith(
        "No profiles were due. Exported 3"
    )
    preview = preview_export(
        ExportJob.of(shop.deployment, shop.connection, shop.connection.exports[0], shop.now), shop.folders, 2
    )
    assert [(its.name, its.due, len(its.rows)) for its in preview.events] == [
        ("order.csv", 3, 2),
        ("order_product.csv", 0, 0),
    ]


TAKEN = [
    ("replace", ["vips.csv"], "", 4),
    ("skip", ["vips.csv"], "", 0),
    ("new_name", ["vips.csv", "vips_1.csv", "vips_2.csv"], "", 4),
    ("fail", ["vips.csv"], "vips.csv stands there already and is not replaced", 0),
]


@pytest.mark.parametrize(("policy", "names", "error", "rows"), TAKEN)
def test_a_name_that_is_taken(sshd, tmp_path, policy, names, error, rows):
    shop = shop_of(sshd, tmp_path, export_goal(file={"name": "vips", "when_taken": policy}))
    for name in names[:2]:
        shop.put(name, "somebody's", directory="out")
    (done,) = shop.deliver()
    assert error in done.error
    assert bool(done.error) == bool(error)
    files = shop.visible()
    assert [*files] == names
    assert (files["vips.csv"] == b"somebody's") == (policy != "replace")
    assert len(emails(files[names[-1]])) == rows if rows else files["vips.csv"] == b"somebody's"
    assert shop.rows("SELECT count(*) FROM ops.exported_rows") == [(rows,)]


@pytest.mark.parametrize("where", ["connection", "goal"])
def test_an_encrypted_and_signed_export_is_opened_by_its_reader(sshd, tmp_path, ring, key, where):
    reader = ring.key("reader of exports")
    for name, text in (("own", key.private), ("reader", reader.public)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    pgp = {"private_key": {"file": str(tmp_path / "own")}}
    keys = {"public_keys": [{"file": str(tmp_path / "reader")}]}
    goal = export_goal(population="all", file={"name": "vips", "gzip": True}, pgp={"sign": True})
    if where == "goal":
        goal["pgp"] |= keys
    shop = EncryptingShop(sshd, tmp_path / "data", [goal], pgp | (keys if where == "connection" else {}))
    shop._goals = [import_goal(), goal]
    shop.put("customers_1.csv", HEADER + "a@x.com,Rome,10,\n")
    # What is imported is not encrypted here.
    encrypted, shop.pgp = shop.pgp, None
    shop._goals = [import_goal()]
    shop.import_all()
    shop.pgp, shop._goals = encrypted, [import_goal(), goal]
    shop.deliver()
    (data,) = shop.visible().values()
    assert shop.names("out") == ["vips.csv.gz.pgp"]
    status = tmp_path / "status"
    plain = ring.gpg("--status-file", str(status), "--decrypt", feed=data)
    assert emails(gzip.decompress(plain)) == ["a@x.com"]
    assert f"VALIDSIG {key.fingerprint}" in status.read_text()
    (again,) = shop.deliver()
    assert again.exports[-1].note == "the same content already stands there"
    assert shop.visible() == {"vips.csv.gz.pgp": data}


def test_nothing_is_made_for_an_expired_key_and_the_next_goal_goes_on(sshd, tmp_path, ring):
    ended = ring.key("export reader ended", at="20200101T000000", expires="1y")
    (tmp_path / "ended").write_text(ended.public)
    (tmp_path / "ended").chmod(0o600)
    keys = {"public_keys": [{"file": str(tmp_path / "ended")}]}
    shop = shop_of(sshd, tmp_path / "d", export_goal(pgp=keys), export_goal("plain", file={"name": "plain"}))
    first, second = shop.deliver()
    assert "expired on 2020-12-31" in first.error
    assert not second.error
    assert shop.names("out") == ["plain.csv"]
    assert shop.rows("SELECT DISTINCT goal FROM ops.exported_rows") == [("plain",)]


@pytest.mark.slow
def test_an_upload_cut_anywhere_shows_no_half_file_and_ends_as_undisturbed(sshd, tmp_path):
    """And the ready file never stands before what it calls ready."""
    file = {"name": "vips_{run_id}", "split": {"rows": 2_000}, "manifest": True, "ready": "{name}.ready"}
    columns = [{"profile_id": {}}, {"property": "email"}, {"property": "points"}]
    goal = export_goal(population="difference", columns=columns, file=file)
    shop = shop_of(sshd, tmp_path, goal, people=6_000)
    shop.deliver()
    chance, cuts = random.Random(5), 0
    for number in range(4):
        rows = (f"p{one}@x.com,Rome,1,\nq{number}_{one}@x.com,Oslo,99,\n" for one in range(3_000))
        shop.put(f"customers_{number + 2}.csv", HEADER + "".join(rows))
        shop.import_all()
        with Proxy(sshd.port, "cut", after_bytes=chance.randrange(4_000, 400_000), direction="up") as proxy:
            (cut,) = shop.deliver_through(proxy.port)
        cuts += bool(cut.error)
        check_whole(shop)
        shop.deliver()
        check_whole(shop)
    assert cuts > 1
    held = {}
    for path, action in shop.rows(DELIVERED):
        for row in csv.DictReader((shop.dirs["out"] / path.rpartition("/")[2]).read_text().splitlines()):
            assert (row["email"] in held) == (action == "changed")
            held[row["email"]] = int(row["points"])
    assert held == dict(shop.people("email, points"))


DELIVERED = (
    "SELECT files.path, action FROM ops.export_files AS files JOIN ops.exports USING (export_id)"
    " WHERE stream = 'profiles' AND state = 'delivered' ORDER BY started_at, number"
)


def check_whole(shop):
    """Every file a consumer sees is, to the byte, one that was to be sent; ready files come after all others."""
    known = shop.rows("SELECT export_id, path, stream, size_bytes, sha256 FROM ops.export_files ORDER BY ALL")
    sent = {path.rpartition("/")[2]: (size, sha256) for _, path, _, size, sha256 in known}
    files = shop.visible()
    for name, data in files.items():
        assert (len(data), hashlib.sha256(data).hexdigest()) == sent[name]
    ready = {
        export_id for export_id, path, stream, *_ in known if stream == "ready" and path.rpartition("/")[2] in files
    }
    assert {path.rpartition("/")[2] for export_id, path, *_ in known if export_id in ready} <= files.keys()


@contextmanager
def small_disk(folder, size):
    options = f"size={size},mode=777"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("needs root that may mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root that may mount a tmpfs")
def test_a_full_disk_leaves_the_old_file_and_the_next_run_delivers(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path, export_goal(population="all", file={"name": "vips"}), people=3_000)
    with small_disk(shop.dirs["out"], "200k"):
        shop.give(shop.dirs["out"])
        shop.deliver()
        old = shop.visible()
        assert len(emails(old["vips.csv"])) == 3_000
        shop.put("customers_2.csv", HEADER + "".join(f"q{number}@x.com,Rome,10,\n" for number in range(6_000)))
        shop.import_all()
        (full,) = shop.deliver()
        assert "disk is full" in full.error
        assert (shop.visible(), shop.names("out")) == (old, ["vips.csv"])
        subprocess.run(["mount", "-o", "remount,size=2m", str(shop.dirs["out"])], check=True)
        shop.deliver()
        assert len(emails(shop.visible()["vips.csv"])) == 9_000


@pytest.mark.slow
def test_twenty_goals_at_once_each_deliver_whole(sshd, tmp_path):
    goals = [export_goal(f"goal_{number}", file={"name": "{goal}", "gzip": number % 2 == 0}) for number in range(20)]
    shop = shop_of(sshd, tmp_path, *goals, people=500)
    run_connection.select(shop.deployment.model, shop.folders, shop.now, ("vip",))

    def deliver(number):
        return list(run_connection.deliver(shop.deployment, shop.connection, shop.folders, shop.now, f"goal_{number}"))

    with ThreadPoolExecutor(20) as pool:
        done = [item for (item,) in pool.map(deliver, range(20))]
    assert [item.error for item in done] == [""] * 20
    files = shop.visible()
    assert len(files) == 20
    assert all(
        len(emails(gzip.decompress(data) if name.endswith("gz") else data)) == 500 for name, data in files.items()
    )


def test_a_property_that_is_newer_than_the_last_fold_is_told_where_it_is_shown_and_else_does_not_matter(sshd, tmp_path):
    shown = [{"property": "email"}, {"property": "size"}]
    named = {"ids": "names", "columns": [{"profile_id": {}}]}
    goals = [export_goal("old"), export_goal("new", columns=shown), export_goal("named", **named)]
    shop = shop_of(sshd, tmp_path, *goals[:1], people=2)
    before = shop.deliver()
    settings = shop.settings()
    settings["model"]["properties"] = [*settings["model"]["properties"], {"name": "size"}]
    settings["model"]["display_name"] = "size"
    settings["connections"][0]["goals"] += goals[1:]
    deployment = Deployment.model_validate(settings)
    connection = deployment.connections[0]
    run_connection.select(deployment.model, shop.folders, shop.now, ("vip",))
    old, new, by_name = run_connection.deliver(deployment, connection, shop.folders, shop.now)
    assert [one.error for one in before] == [""]
    assert (old.error, [export.rows for export in old.exports]) == ("", [0]), "nobody has changed"
    told = "asks for size, new in the YAML: let the fold run first (materialise profiles)"
    assert [new.error, by_name.error] == [f"export shop/new {told}", f"export shop/named {told}"]
    run_connection.fold_and_publish(deployment.model, shop.folders, shop.now)
    assert [one.error for one in run_connection.deliver(deployment, connection, shop.folders, shop.now)] == [""] * 3
