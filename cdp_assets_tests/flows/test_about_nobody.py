"""Rows about people nobody had brought before: they are told with what helps, and that helps."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from cdp_assets.commands import dry_run as command
from cdp_assets.commands.summary import print_summary
from cdp_assets.flows.about_nobody import AboutNobody
from cdp_assets.flows.dry_run import dry_run
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal, people
from cdp_assets_tests.support.connected import Shop, import_goal
from cdp_assets_tests.support.lab import Lab, deployment

CUSTOMERS, POINTS = "email,city\na@x.com,Rome\nb@x.com,Oslo\n", "email,points\na@x.com,5\nz@x.com,1\n"
CITY = {"column": "city", "property": "city"}
WHY = (
    "Files are applied in the order of their dates; if another goal brings these people in a later file, by the same"
    " identifier,"
)


def goals(*, allow_create: bool = False, files: dict[str, object] | None = None):
    points = [{"column": "points", "property": "points", "rule": "sum"}]
    return [
        goal(mappings=[CITY]),
        goal("orders", allow_create=allow_create, mappings=points, **({"files": files} if files else {})),
    ]


def room_with(tmp_path, *names: str, **settings) -> Lab:
    """Customers come with a file of the 24th, their orders with files of days before."""
    room = Lab(tmp_path, deployment(PROPERTIES, goals(**settings)))
    room.land("customers", "customers_20261124.csv", CUSTOMERS)
    for name in names:
        room.land("orders", name, f"{POINTS}{name}@x.com,1\n")
    room.fold()
    return room


def summary(room: Lab) -> str:
    console = Console(record=True, width=400, file=io.StringIO())
    print_summary(console, room.folders, datetime(2000, 1, 1, tzinfo=UTC), ())
    return console.export_text()


def warnings(room: Lab) -> list[str]:
    return [line.rstrip() for line in summary(room).splitlines() if line.startswith("WARNING")]


def test_the_summary_of_a_run_tells_each_goal_once_and_the_cure_helps(tmp_path):
    room = room_with(tmp_path, "orders_20261120.csv")
    cure = "put `allow_create: true` into goal orders, then `python -m cdp_assets reland shop orders`"
    told = "are about people nobody had brought before, and were left out."
    assert warnings(room) == [f"WARNING orders_20261120.csv: 3 rows {told} {WHY} {cure}"]
    room.land("orders", "orders_20261121.csv", POINTS)
    room.fold()
    assert warnings(room) == [f"WARNING 2 files of orders: 5 rows {told} {WHY} {cure}"]
    assert people(room, "email, points") == [("a@x.com", None), ("b@x.com", None)]
    room.deployment = deployment(PROPERTIES, goals(allow_create=True))
    room.reland("orders")
    room.fold()
    assert {("a@x.com", 10), ("b@x.com", None), ("z@x.com", 2)} <= set(people(room, "email, points"))
    assert people(room, "email, city")[:2] == [("a@x.com", "Rome"), ("b@x.com", "Oslo")]
    assert warnings(room) == []


def test_files_that_were_not_kept_cannot_be_landed_anew(tmp_path):
    room = room_with(tmp_path, "orders_20261120.csv", files={"delta": True, "keep_received": False})
    (told,) = warnings(room)
    assert told.endswith("into goal orders for the files to come (these were not kept: keep_received: false)")


def test_a_file_whose_people_are_known_says_nothing(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, goals()))
    room.land("customers", "customers_20261119.csv", CUSTOMERS)
    room.land("orders", "orders_20261120.csv", "email,points\na@x.com,5\n")
    room.fold()
    assert warnings(room) == []


def test_a_few_among_many_are_told_without_alarm(tmp_path):
    known = [f"p{number}@x.com" for number in range(19)]
    room = Lab(tmp_path, deployment(PROPERTIES, goals()))
    room.land("customers", "customers_20261119.csv", "email,city\n" + "".join(f"{one},Rome\n" for one in known))
    room.land("orders", "orders_20261120.csv", "email,points\n" + "".join(f"{one},5\n" for one in (*known, "z@x.com")))
    room.fold()
    assert warnings(room) == []
    line = (
        "orders_20261120.csv: 1 row is about people nobody had brought before, and was left out;"
        " `allow_create: true` in goal orders would keep them"
    )
    assert line in [told.rstrip() for told in summary(room).splitlines()]
    room.land("orders", "orders_20261121.csv", "email,points\ny@x.com,1\nx@x.com,1\n")
    room.fold()
    (told,) = warnings(room)
    assert told.startswith("WARNING 2 files of orders: 3 rows are about people nobody had brought before")


def test_a_dry_run_tells_it_before_anything_is_lost(sshd, tmp_path, capsys: pytest.CaptureFixture[str]):
    orders = import_goal("orders", allow_create=False, files={"delta": True})
    shop = Shop(sshd, tmp_path / "data", [import_goal(), orders])
    shop.put("customers_20261124.csv", "email,city,points,tags\na@x.com,Rome,,\n")
    shop.put("orders_20261120.csv", "email,city,points,tags\na@x.com,,5,\n")
    found = dry_run(shop.deployment, shop.connection, shop.folders, shop.now)
    sentence = (
        "orders_20261120.csv: 1 row is about people nobody had brought before, and would be left out."
        f" {WHY} put `allow_create: true` into goal orders before the import"
    )
    assert found.about_nobody == (AboutNobody(sentence, many=True, connection="shop"),)
    command._tell_the_rest(found)
    assert f"WARNING: {sentence}\n" in capsys.readouterr().out


def test_rows_without_an_identifier_are_told_with_the_column_that_would_find_them(tmp_path):
    kept = {"column": "nr", "property": "nr"}
    card = goal("cards", identifiers=[{"column": "nr", "property": "nr"}], mappings=[CITY])
    room = Lab(tmp_path, deployment([*PROPERTIES, {"name": "nr"}], [goal(mappings=[CITY, kept]), card]))
    room.land("customers", "customers_20261119.csv", "email,city,nr\na@x.com,Rome,1\n,Oslo,2\n,Oslo,3\n")
    room.fold()
    told = "WARNING customers_20261119.csv: 2 rows have no usable email, and were left out"
    assert warnings(room) == [told]
    room.land("cards", "cards_20261120.csv", "nr,city\n3,Rome\n")
    room.land("customers", "customers_20261121.csv", "email,city,nr\na@x.com,Rome,1\n,Oslo,2\n")
    room.fold()
    cure = (
        "nr could find them, if no two people share one, as by it they would become one: put {column: nr, property: nr}"
        " last into its identifiers, then"
        " `python -m cdp_assets reland shop customers`"
    )
    assert warnings(room) == [
        told.replace("customers_20261119.csv: 2 rows", "2 files of customers: 3 rows") + f". {cure}"
    ]


def test_a_few_rows_without_an_identifier_are_told_without_alarm(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, goals()))
    known = "".join(f"p{number}@x.com,Rome\n" for number in range(19))
    room.land("customers", "customers_20261119.csv", f"email,city\n{known},Oslo\n")
    room.fold()
    assert warnings(room) == []
    assert "customers_20261119.csv: 1 row has no usable email, and was left out\n" in summary(room).replace(" \n", "\n")


def test_a_column_that_the_files_lack_or_that_stands_elsewhere_now_finds_nobody(tmp_path):
    kept = {"column": "nr", "property": "nr"}
    card = goal("cards", identifiers=[{"column": "nr", "property": "nr"}], mappings=[CITY])
    room = Lab(tmp_path, deployment([*PROPERTIES, {"name": "nr"}], [goal(mappings=[kept, CITY]), card]))
    room.land("cards", "cards_20261118.csv", "nr,city\n3,Rome\n")
    room.land("customers", "customers_20261119.csv", "email,city\na@x.com,Rome\n,Oslo\n")
    room.fold()
    told = "WARNING customers_20261119.csv: 1 row has no usable email, and was left out"
    assert told in warnings(room)
    # The mapping gets another number, under which the first file has its cities.
    room.deployment = deployment([*PROPERTIES, {"name": "nr"}], [goal(mappings=[CITY, kept]), card])
    room.land("customers", "customers_20261120.csv", "email,city,nr\nb@x.com,Rome,\n,,4\n")
    room.fold()
    (line,) = [one for one in warnings(room) if "have no usable email" in one]
    assert "2 files of customers: 2 rows have no usable email, and were left out. nr could find 1 of them, if" in line
