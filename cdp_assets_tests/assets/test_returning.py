"""Rejected rows go back in the step that renames files, and its metadata says so."""

from __future__ import annotations

import re

import pytest

from cdp_assets_tests.assets.world import ANNA, CUSTOMERS, VIP_LIST, World, told

BAD = "no-address,Ede,1\n"


@pytest.fixture
def returning(shop: World) -> World:
    shop.set_up(goals=[CUSTOMERS | {"return_rejects": {"directory": "rejected"}}, VIP_LIST])
    shop.put("customers_1.csv", ANNA, BAD)
    return shop


def returned(shop: World) -> list[str]:
    return [path.read_text() for path in (shop.server.folder / "rejected").glob("*")]


@pytest.mark.parametrize("job", ["shop__run_now", "shop__customers__run_now"])
def test_a_run_returns_them_and_tells_of_it(returning: World, job: str) -> None:
    assert returning.run(job).success
    (content,) = returned(returning)
    assert (
        content == f"E-Mail,City,Spend,reject_line,reject_reason\n{BAD.strip()},3,E-Mail: not a valid e-mail address\n"
    )
    (done,) = returning.materializations("shop/done")
    assert told(done)["rejected rows returned"] == 1
    (back,) = done.metadata["returned files"].records
    assert back.data["rows of"] == "customers_1.csv"
    assert re.fullmatch(r"1 row as …\.[0-9a-f]{8}\.rejected\.csv in \S*rejected", str(back.data["what went back"]))
    assert "no-address" not in repr(done)


def test_the_asset_returns_them_and_fails_where_it_cannot(returning: World) -> None:
    assert returning.run("shop__land_arrivals").success
    assert returning.materialize("profiles").success
    (returning.server.folder / "rejected").write_text("a file, not a folder")
    run = returning.materialize("shop/done")
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert "Could not return the rejected rows of customers_1.csv" in str(
        failure.step_failure_data.user_failure_data.description
    )
    assert (returning.server.folder / "in" / "customers_1.csv.done").exists()
    (returning.server.folder / "rejected").unlink()
    assert returning.materialize("shop/done").success
    assert len(returned(returning)) == 1
