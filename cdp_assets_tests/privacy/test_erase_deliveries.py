"""An erased person is in no delivery that waits, and no export remembers them."""

from datetime import timedelta

import pytest

from cdp_assets.config.model import batch_config
from cdp_assets.flows import run_connection
from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.import_files import reland_versions
from cdp_assets.flows.land_files import current_versions
from cdp_assets_tests.privacy.searching import traces
from cdp_assets_tests.support.connected import SEGMENTS, Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import KILLED, driver

HEADER = "email,city,points,tags\n"
COLUMNS = [{"profile_id": {}}, {"property": "email"}, {"property": "city"}]
GOALS = {("shop", "vip_list"): "difference"}
FULL = HEADER + "jane@x.com,Rome,10,\nbob@x.com,Oslo,11,\n"


def test_exports_forget_the_person(sshd, tmp_path):
    goals = [import_goal(), export_goal(population="difference", columns=COLUMNS, file={"name": "vips_{timestamp}"})]
    shop = Shop(sshd, tmp_path / "data", goals)
    shop.put("customers_1.csv", FULL)
    shop.import_all()
    assert [item.error for item in shop.deliver()] == [""]
    delivered = shop.names("out")
    shop.put("customers_2.csv", FULL.replace("Rome", "Bonn").replace("Oslo", "Kiel"))
    shop.import_all()
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        at = shop.now + timedelta(hours=1)
        assert process.run(at, ["select"]) == 0
        kills = (process.run(at, ["deliver"], kill_at=number) for number in range(1, 60))
        assert any(code == KILLED and "export: staged" in process.trace.read_text() for code in kills)
    assert list((shop.folders.root / "exports").glob("*/*/*/1"))
    told = erase(shop.deployment.model, shop.folders, [Asked("jane@x.com")], shop.now, goals=GOALS)
    assert traces(shop.folders.root, "jane@x.com") == []
    assert traces(shop.folders.root, "Bonn") == []
    assert (told.people, told.rows, told.staged) == (1, 2, 1)
    assert {name.rpartition("/")[2] for name in told.delivered} == set(delivered)
    sources = {name.rpartition("/")[2] for name in told.sources}
    assert sources == {"customers_1.csv.done", "customers_2.csv.done"}
    assert told.tables["ops.exported_rows"] == told.tables["main.segment_members"] == 1
    shop.put("customers_3.csv", FULL.replace("Rome", "Wien").replace("Oslo", "Lund"))
    shop.import_all()
    assert [item.error for item in shop.deliver()] == [""]
    (fresh,) = set(shop.names("out")) - set(delivered)
    text = shop.tree()[f"out/{fresh}"].decode()
    assert "jane" not in text
    assert "bob@x.com" in text
    assert traces(shop.folders.root, "jane@x.com") == []
    run_connection.fold_and_publish(shop.deployment.model, shop.folders, shop.now, rebuild=True, at_once=True)
    assert traces(shop.folders.root, "jane@x.com") == []
    assert shop.people("email") == [("bob@x.com",)]
    # Who was erased has left: the sizes of runs go with who came and went.
    changes = shop.rows('SELECT size, joined, "left" FROM ops.segment_changes ORDER BY computed_at, rowid')
    before = [0, *(size for size, _, _ in changes)]
    assert [start + joined - left for start, (_, joined, left) in zip(before, changes, strict=False)] == before[1:]
    assert sum(left for _, _, left in changes) == 1


def test_a_file_that_was_imported_anew_is_named_as_it_is_called_now(sshd, tmp_path):
    goals = [import_goal()]
    shop = Shop(sshd, tmp_path / "data", goals)
    shop.put("customers_1.csv", FULL)
    shop.import_all()
    goals[0]["mappings"] = [{"column": "city", "property": "city"}]
    config = batch_config(shop.deployment, shop.connection, shop.connection.imports[0])
    (outcome,) = reland_versions(config, current_versions(shop.folders, "shop", "customers"), shop.folders, shop.now)
    assert outcome.landed is not None
    assert outcome.landed.is_new
    shop.fold()
    told = erase(shop.deployment.model, shop.folders, [Asked("jane@x.com")], shop.now)
    assert [name.rpartition("/")[2] for name in told.sources] == ["customers_1.csv.done"]


@pytest.mark.slow
@pytest.mark.parametrize("difference", ["files", "column"])
def test_every_file_that_may_hold_the_person_is_named_also_of_who_has_left_before(sshd, tmp_path, difference):
    names = {"name": "vips_{timestamp}"}
    changes = {"population": "difference", "difference": difference, "columns": COLUMNS, "file": names}
    other = export_goal("other_list", segment="nobody", file={"name": "none"})
    shop = Shop(sshd, tmp_path / "data", [import_goal(), export_goal(**changes), other])
    shop.model = {"segments": [*SEGMENTS, {"name": "nobody", "where": {"property": "city", "contains_any": ["Ulm"]}}]}
    shop.put("customers_1.csv", FULL)
    shop.import_all()
    assert [item.error for item in shop.deliver()] == ["", ""]
    shop.put("customers_2.csv", FULL.replace("Rome,10", "Rome,-5").replace("Oslo", "Kiel"))
    shop.import_all()
    assert [item.error for item in shop.deliver()] == ["", ""]
    assert shop.rows("SELECT count(*) FROM ops.exported_rows") == [(1,)], "jane has not left"
    texts = {name: shop.tree()[f"out/{name}"].decode() for name in shop.names("out")}
    holding = {name for name, text in texts.items() if "jane" in text or "removed" in name + text}
    told = erase(shop.deployment.model, shop.folders, [Asked("jane@x.com")], shop.now, goals=GOALS)
    named = [name.rpartition("/")[2] for name in told.delivered]
    assert len(holding) == 2
    assert holding <= set(named)
    assert "none.csv" not in named
    assert len(named) == len(set(named)) == sum(name.startswith("vips_") for name in texts)
