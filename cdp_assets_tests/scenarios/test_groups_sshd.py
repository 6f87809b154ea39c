"""Groups over a real OpenSSH: files of their own beside those of profiles, and everything an import can do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets.flows.dry_run import dry_run
from cdp_assets_tests.support.connected import Shop, import_goal
from cdp_assets_tests.support.previewed import EncryptedShop

HOUSEHOLD = {
    "id": "household",
    "properties": [{"name": "street"}, {"name": "people", "type": "number"}, {"name": "pets", "multiple": True}],
}
PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "points", "type": "number"},
    {"name": "home", "group_type": "household"},
]
PEOPLE = import_goal(mappings=[{"column": "home", "property": "home"}])
HOMES = {
    "type": "import_groups",
    "name": "homes",
    "group_type": "household",
    "files": {
        "directory": "in",
        "root": "homes_*.csv",
        "delta": True,
        "linked": [{"name": "pets", "file": "pets_*.csv", "parent_column": "id", "column": "home"}],
    },
    "identifiers": [{"column": "id"}],
    "processors": [{"casing": {"fields": ["street"], "to": "upper"}}],
    "return_rejects": {"directory": "rejected", "plain": True},
    "mappings": [
        {"column": "street", "property": "street"},
        {"column": "people", "property": "people", "rule": "sum"},
        {"column": "pets.name", "property": "pets", "rule": "add"},
    ],
}
FIRST = 'id,street,people\nh1,dam,2\nh2,kade,many\n"h3"x,dam,1\n'


def with_groups(shop):
    shop.model = {"group_types": [HOUSEHOLD]}
    return shop


@pytest.fixture
def shop(sshd, tmp_path):
    return with_groups(Shop(sshd, tmp_path / "data", [HOMES, PEOPLE], PROPERTIES))


def put_first(shop):
    shop.put("homes_1.csv", FIRST)
    shop.put("pets_1.csv", "home,name\nh1,rex\nh1,tom\n")
    shop.put("customers_1.csv", "email,home\na@x.com,h1\nb@x.com,h9\n")


def test_groups_come_with_their_linked_files_beside_profiles_and_all_files_are_renamed(shop):
    put_first(shop)
    tried = dry_run(shop.deployment, shop.connection, shop.folders, shop.now + timedelta(hours=1), None, ())
    look, fold, acknowledged = shop.import_all()
    counts = [(item.counts["rows_created"], item.counts["rows_rejected"]) for item in tried.files]
    assert sorted(counts) == [(2, 0), (2, 1)]
    assert all(not outcome.error for outcome in look.outcomes)
    assert {name: facts.groups for name, facts in fold.facts.groups.items()} == {"household": 2}
    assert shop.rows("SELECT group_id, street, people, pets FROM main.groups_household ORDER BY ALL") == [
        ("h1", "DAM", 2, ["rex", "tom"]),
        ("h2", "KADE", None, None),
    ]
    assert shop.names() == ["customers_1.csv.done", "homes_1.csv.done", "pets_1.csv.done"]
    assert len(acknowledged) == 2
    members = "SELECT group_id, email, is_dangling FROM main.groups_household_members JOIN main.profiles"
    assert shop.rows(f"{members} USING (profile_id) ORDER BY ALL") == [
        ("h1", "a@x.com", False),
        ("h9", "b@x.com", True),
    ]
    assert shop.rows("SELECT level, column_name FROM ops.rejects ORDER BY ALL") == [("cell", "people"), ("row", None)]


def test_a_second_run_finds_nothing_to_do_and_a_second_file_adds(shop):
    put_first(shop)
    shop.import_all()
    look, fold, acknowledged = shop.import_all()
    assert (look.outcomes, fold.folded, acknowledged) == ((), (), [])
    shop.put("homes_2.csv", "id,street,people\nh1,,3\nh9,,1\n")
    shop.put("pets_2.csv", "home,name\n")
    shop.import_all()
    assert shop.rows("SELECT group_id, people FROM main.groups_household ORDER BY ALL") == [
        ("h1", 5),
        ("h2", None),
        ("h9", 1),
    ]
    assert shop.rows(
        "SELECT email, is_dangling FROM main.groups_household_members JOIN main.profiles USING"
        " (profile_id) ORDER BY ALL"
    ) == [("a@x.com", False), ("b@x.com", False)]


def test_a_preview_tells_known_groups_and_proposes_properties_of_their_type(
    sshd, tmp_path, ring, key, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    goal = HOMES | {"files": HOMES["files"] | {"linked": []}, "mappings": HOMES["mappings"][:2]}
    shop = with_groups(EncryptedShop(sshd, tmp_path, ring, key, [goal, PEOPLE]))
    shop._properties = PROPERTIES
    shop.write_defs()
    shop.put_sealed("homes_1.csv", "id,street\nh1,dam\n")
    shop.import_all()
    shop.put_sealed("homes_2.csv", "id,street,Floor,group_id\nh1,dam,3,x\nh7,kade,4,y\n")
    assert main(["preview", "shop", "homes", "--add-all", "--write"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "rows that match one: 1, rows that would make new ones: 1" in out
    assert "# in the customer model, under group_types, household, properties:" in out
    (kind,) = load_deployment(tmp_path / "defs").model.group_types
    assert [prop.name for prop in kind.properties] == ["street", "people", "pets", "Floor", "group_id_2"]
    assert main(["check"]) == 0
