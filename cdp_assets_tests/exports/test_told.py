"""What people read of a delivery in several files: each with its own name and number."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.config.limits import Complete
from cdp_assets.flows.judge_stored import judge_complete
from cdp_assets.flows.verdicts import Facts
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.exports.test_deaths import CLUB
from cdp_assets_tests.exports.test_delivery import HEADER, shop_of
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal


def test_the_file_of_each_action_is_told_with_its_rows(sshd, tmp_path):
    columns = [{"profile_id": {}}, {"property": "email"}, {"property": "points"}]
    goal = export_goal(population="difference", difference="files", columns=columns, file={"name": "vips_{action}"})
    shop = shop_of(sshd, tmp_path, goal)
    shop.deliver()
    shop.put("customers_2.csv", HEADER + "p1@x.com,Rome,5,\nq@x.com,Oslo,50,\nr@x.com,Oslo,60,\n")
    shop.import_all()
    (done,) = shop.deliver()
    out = str(shop.dirs["out"])
    told = f"Exported 2 profiles to {out}/vips_added.csv. Exported 1 profile to {out}/vips_changed.csv."
    assert done.exports[-1].told == told
    latest = "SELECT message FROM ops.export_history ORDER BY happened_at DESC LIMIT 1"
    assert shop.rows(latest)[0][0].startswith(told)
    console = Console(record=True, width=400, file=io.StringIO())
    print_summary(console, shop.folders, datetime(2000, 1, 1, tzinfo=UTC), ())
    lines = [line.split() for line in console.export_text().splitlines() if "vips_" in line]
    assert [line[:2] for line in lines][-2:] == [[f"{out}/vips_added.csv", "2"], [f"{out}/vips_changed.csv", "1"]]


def test_a_delivery_to_some_stages_is_complete(sshd, tmp_path):
    """Members who are in other stages are accounted for."""
    goal = export_goal(population="all", lifecycle={"id": "club", "stages": ["gone"]})
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True}), goal])
    shop.model = {"lifecycles": [CLUB]}
    rows = "".join(f"p{number}@x.com,{'Oslo' if number < 2 else 'Rome'},20,\n" for number in range(5))
    shop.put("customers_1.csv", HEADER + rows)
    shop.import_all()
    shop.deliver()
    ((rows_sent, elsewhere),) = shop.rows("SELECT rows, not_in_stage FROM ops.exports")
    assert (rows_sent > 0, elsewhere > 0, rows_sent + elsewhere) == (True, True, 5)
    with open_warehouse(shop.folders.warehouse) as database:
        facts = Facts(shop.folders, shop.now, database)
        (export,) = shop.connection.exports
        verdict = judge_complete(facts, shop.connection, export, Complete())
    assert verdict.passed, verdict.told
    assert verdict.figures["members accounted for"] == 5


def test_files_of_events_are_told_below_those_of_the_profiles(sshd, tmp_path):
    orders = [{"type": "order", "date": "city", "mappings": [{"column": "points", "property": "total_revenue"}]}]
    imports = import_goal(mappings=[{"column": "points", "property": "points"}], events=orders, files={"delta": True})
    goal = export_goal(population="all", events={"types": ["order"]})
    shop = Shop(sshd, tmp_path / "data", [imports, goal])
    shop.put("customers_1.csv", HEADER + "p1@x.com,2026-01-01,50,\np2@x.com,2026-01-02,60,\n")
    shop.import_all()
    shop.deliver()
    console = Console(record=True, width=400, file=io.StringIO())
    print_summary(console, shop.folders, datetime(2000, 1, 1, tzinfo=UTC), ())
    told = console.export_text().partition("delivered file")[2].splitlines()
    rows = [line.split() for line in told if line.startswith(str(shop.dirs["out"]))]
    assert [(line[0].rpartition("/")[2], line[1]) for line in rows][1:] == [
        ("order.csv", "2"),
        ("order_product.csv", "0"),
    ]
