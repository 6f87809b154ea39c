"""`python -m cdp_assets preview`, as an analyst uses it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.commands.preview_tables import print_files
from cdp_assets.commands.tables import new_console
from cdp_assets.components.loading import load_deployment
from cdp_assets.files.sftp import open_server
from cdp_assets.flows import run_connection
from cdp_assets.flows.take_look import peek
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal
from cdp_assets_tests.support.previewed import EncryptedShop, everything
from cdp_assets_tests.support.proxy import Proxy


@pytest.fixture
def shop(sshd, tmp_path, ring, key, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    made = EncryptedShop(sshd, tmp_path, ring, key)
    made.write_defs()
    return made


@pytest.fixture
def told(capsys):
    """Runs the command; exit code and what it printed, runs of blanks as one."""

    def run(*words):
        code = main(["preview", *words])
        out, err = capsys.readouterr()
        assert max(map(len, out.splitlines()), default=0) <= 100 or "--add-all" in words
        return code, " ".join((out + err).split())

    return run


def test_an_encrypted_gzipped_linked_file_as_an_analyst_sees_it(shop, told):
    shop.put_delivery()
    shop.import_all()
    shop.put_delivery(2)
    shop.put("readme.txt", "x")
    ((profile,),) = shop.rows("SELECT profile_id::VARCHAR FROM main.profiles WHERE email = 'anna@example.com'")
    code, out = told("shop", "customers")
    assert code == 0
    for text in (
        "customers_2.csv.gz.pgp customers new",
        "readme.txt customers: it does not match the wildcard name",
        "pgp + gzip",
        "orders_2.csv (orders): ",
        "5 rows can be read in the file, of which processors leave out 1; orders: 4 rows, 1 of no row in the file",
        "Born datetime DD-MM-YYYY 50 % 2",
        "orders.Amount number 100 % 4 10, 20, 5 points (sum)",
        "2 1 anna@example.com delft 1.234,50 0612345678 01-03-1980 books|tea",
        "processors leave out line 5",
        "2 10 | 20 2024-01-05 | 2024-02-05",
        f"2 {profile} anna@example.com DELFT 30",
        "4 rejected ·",
        "6 no identifier ·",
        "Would be rejected (rows: 1, cells: 0)",
        "4 row E-Mail not an address email: not a valid e-mail address",
        "rows that match one: 2, rows that would make new ones: 0; no identifier: 1",
        "the file does not have: Gone",
        "Columns without a mapping: Id, Spend, Phone, Born, Tags, orders.When",
    ):
        assert text in out


def test_a_preview_writes_nothing(shop, told):
    shop.put_delivery()
    shop.land()
    shop.put_delivery(2)
    before = everything(shop.folder), everything(shop.remote)
    told("shop", "customers", "--add-all")
    assert (everything(shop.folder), everything(shop.remote)) == before


def test_signs_that_steer_a_terminal_are_spelled_out(shop, told):
    shop.put_delivery(customers="Id;E-Mail;City\n1;a@example.com;[red]\x1b[2Jx\n")
    assert "[red]\\x1b[2Jx" in told("shop", "customers")[1]


def test_a_goal_whose_file_cannot_be_imported_ends_with_one(shop, told):
    shop.put("customers_1.csv.gz.pgp", "plain")
    shop.put_sealed("orders_1.csv", "Customer\n")
    code, out = told("shop")
    assert code == 1
    assert "customers_1.csv.gz.pgp cannot be looked into: File is not PGP encrypted" in out


def test_a_server_without_files_for_a_goal_is_no_failure(shop, told):
    assert told("shop")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shap"], "error: no connection shap; there are: shop"),
        (["shop", "custom"], "error: no goal shop/custom; there are: customers, vip_list"),
        (["shop", "--rule", "set"], "belong to --add-all, and --add-all to one import goal"),
        (["shop", "vip_list", "--add-all"], "vip_list is an export goal; --add-all is for imports"),
        (["shop", "vip_list"], "nothing was imported and published yet"),
        (["shop", "customers", "--file", "x.csv"], "error: no file x.csv for shop; there are: (none)"),
    ],
)
def test_what_cannot_be_shown_is_told_and_ends_with_one(shop, told, words, message):
    code, out = told(*words)
    assert code == 1
    assert message in out


def test_proposed_mappings_are_printed_and_not_written(shop, told):
    shop.put_delivery()
    before = everything(shop.folder / "defs")
    code, out = told("shop", "customers", "--add-all", "--prefix", "shop_")
    assert code == 0
    assert "- {column: Born, property: shop_Born}" in out
    assert "- {column: orders.When, property: shop_orders_When, rule: add}" in out
    assert "- {name: shop_orders_When, type: datetime, multiple: true, whole_days: true}" in out
    assert "Nothing was written; --write adds this to the YAML." in out
    assert everything(shop.folder / "defs") == before


def test_written_mappings_check_and_are_used_by_the_next_preview(shop, told):
    shop.put_delivery()
    text = (shop.folder / "defs" / "shop" / "defs.yaml").read_text()
    code, out = told("shop", "customers", "--add-all", "--write", "--rule", "set_if_empty")
    assert code == 0
    assert "written: defs/model/defs.yaml written: defs/shop/defs.yaml" in out
    after = (shop.folder / "defs" / "shop" / "defs.yaml").read_text()
    new = [line for line in after.splitlines() if line not in text.splitlines()]
    assert [line for line in after.splitlines() if line not in new] == text.splitlines()
    assert new[3].strip() == "- {column: Born, property: Born, rule: set_if_empty}"
    (goal,) = load_deployment(shop.folder / "defs").connections[0].imports
    assert len(goal.mappings) == 9
    code, out = told("shop", "customers", "--add-all", "--write")
    assert "Every column has a mapping already; nothing to add." in out
    assert main(["check"]) == 0


def test_only_the_beginning_of_a_large_file_comes_over_the_line(sshd, tmp_path, ring, key, monkeypatch, told):
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    shop = EncryptedShop(sshd, tmp_path, ring, key, [import_goal(files={"root": "customers_*"}), export_goal()])
    rows = b"".join(b"u%d@example.com;%s\n" % (n, os.urandom(240).hex().encode()) for n in range(100_000))
    options = ("--compress-algo", "none")
    shop.put("customers_1", ring.encrypted(b"email;x\n" + rows, key, options=options))
    defs = shop.write_defs() / "shop" / "defs.yaml"
    with Proxy(sshd.port) as proxy:
        defs.write_text(defs.read_text().replace(f"port: {sshd.port}", f"port: {proxy.port}"))
        _, out = told("shop", "customers", "--rows", "1")
        assert proxy.forwarded["down"] < 5 << 20
    assert not (tmp_path / "data").exists()
    assert "beginning only (4.0 MiB of 4" in out
    assert "integrity and signature not checked yet" in out


def test_an_export_is_shown_with_its_name_rows_and_exclusions_and_not_delivered(shop, told):
    shop.put_delivery()
    shop.import_all()
    run_connection.select(shop.deployment.model, shop.folders, shop.now, ("vip",))
    shop.fold()
    before = everything(shop.folder), everything(shop.remote)
    code, out = told("shop", "vip_list")
    assert (everything(shop.folder), everything(shop.remote)) == before
    assert code == 0
    for text in (
        f"directory: {shop.remote}/out file: vip_20",
        "header: email, points, city",
        "segment: computed 2026-03-01",
        "profiles to deliver: 1; left out without an identifier: 0, unchanged since their last delivery: 0",
        "1 anna@example.com 30 DELFT",
    ):
        assert text in out
    shop.deliver()
    shop.fold()
    told_again = told("shop", "vip_list")[1]
    assert (
        "profiles to deliver: 0; left out without an identifier: 0, unchanged since their last delivery: 1"
        in told_again
    )


def test_an_export_of_a_segment_never_computed_shows_who_is_in_it_now_and_keeps_nothing(shop, told):
    shop.put_delivery()
    shop.import_all()
    before = everything(shop.folder), everything(shop.remote)
    code, out = told("shop", "vip_list")
    assert (everything(shop.folder), everything(shop.remote)) == before
    assert code == 0
    for text in (
        "segment: members as of now (20",
        "computed for this preview and not kept; read from the copy of",
        "profiles to deliver: 1; left out without an identifier: 0",
        "1 anna@example.com 30 DELFT",
    ):
        assert text in out
    assert shop.rows("SELECT count(*) FROM ops.segment_changes") == [(0,)]


def test_it_runs_in_a_pipe(shop):
    shop.put_delivery()
    done = subprocess.run(
        [sys.executable, "-m", "cdp_assets", "preview", "shop", "customers"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout


def test_new_files_stand_first_and_those_that_are_done_are_only_counted(shop, told):
    shop.put_delivery()
    shop.import_all()
    shop.put_delivery(2)
    shop.put("readme.txt", "x")
    out = told("shop", "customers")[1]
    done = [name for name in shop.names() if name.endswith(".done")]
    assert done
    assert f"{len(done)} files renamed to .done, not listed" in out
    assert not [name for name in done if name in out]
    assert out.index("customers_2.csv.gz.pgp") < out.index("readme.txt") < out.index("not listed")


def test_a_new_file_stands_before_those_imported_that_keep_their_names(sshd, tmp_path, capsys):
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"rename_done": False, "delta": True})])
    for number in (1, 2):
        shop.put(f"customers_{number}.csv", "email,city,points,tags\na@x.com,Rome,1,\n")
    shop.import_all()
    shop.put("customers_0.csv", "email,city,points,tags\nb@x.com,Rome,1,\n")
    shop.put("customers_3.csv", "email,city,points,tags\nc@x.com,Rome,1,\n")
    with open_server(shop.connection.server) as server:
        look = peek(shop.connection, server, shop.folders, shop.now, shop.connection.imports)
    print_files(new_console(), shop.connection, look)
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("customers_")]
    assert names == [f"customers_{number}.csv" for number in (0, 3, 1, 2)]


def test_a_file_that_another_goal_takes_is_told_by_that_goal(shop, told):
    path = shop.folder / "defs" / "shop" / "defs.yaml"
    data = yaml.safe_load(path.read_text())
    goals = data["attributes"]["goals"]
    goals.append(goals[0] | {"name": "visits", "files": {"root": "visits_*.csv", "directory": "in"}, "events": []})
    path.write_text(yaml.safe_dump(data))
    shop.put_delivery()
    for name in ("visits_1.csv", "Customers_1.csv.gz.pgp", "readme.txt"):
        shop.put(name, "x")
    out = told("shop", "customers")[1]
    assert "visits_1.csv goal visits takes it" in out
    assert out.count("only upper and lower case differ") == 1
