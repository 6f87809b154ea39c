"""Test vectors of the specification's section 15 on exports and drop folders, each under its own number."""

from __future__ import annotations

import csv
from datetime import timedelta

from cdp_assets.flows import run_connection
from cdp_assets_tests.drop_folders.dropping import deliver as drop_and_fold
from cdp_assets_tests.drop_folders.dropping import drop_lab, people, rejects
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal

EVENTS = "Metric name,Time,Profile.Email,Unique ID\n"
PROFILES = "Email,PhoneNumber\n"


def test_vector_8_what_changes_while_an_export_runs_or_fails_is_in_the_next_that_succeeds(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True}), export_goal(), export_goal("after_it")])
    shop.put("customers_1.csv", "email,points\na@x.com,10\nb@x.com,10\n")
    shop.import_all()
    shop.now += timedelta(hours=1)
    run_connection.select(shop.deployment.model, shop.folders, shop.now, ("vip",))
    running = run_connection.deliver(shop.deployment, shop.connection, shop.folders, shop.now)
    assert next(running).error == ""
    began = shop.now
    shop.put("customers_2.csv", "email,points\nb@x.com,1\n")
    run_connection.import_new(shop.deployment, shop.connection, shop.folders, began + timedelta(seconds=5))
    run_connection.fold_and_publish(shop.deployment.model, shop.folders, began + timedelta(seconds=6))
    assert [item.error for item in running] == [""]
    assert (sent(shop), sent(shop, "after_it")) == ([{"a@x.com", "b@x.com"}], [{"a@x.com", "b@x.com"}])

    shop.dirs["out"].chmod(0o500)
    assert [item.error != "" for item in shop.deliver()] == [True, False]  # the second sent the change already
    shop.dirs["out"].chmod(0o700)
    shop.deliver()
    assert sent(shop) == [{"a@x.com", "b@x.com"}, {"b@x.com"}]
    shop.deliver()
    assert len(sent(shop)) == 2


def sent(shop: Shop, goal="vip_list"):
    """Who was in each delivered file of a goal, in the order of delivery."""
    query = f"SELECT path FROM ops.exports WHERE goal = '{goal}' AND uploaded AND path <> '' ORDER BY ALL"
    files = [shop.dirs["out"] / path.rsplit("/", 1)[-1] for (path,) in shop.rows(query)]
    return [{row["email"] for row in csv.DictReader(file.read_text().splitlines())} for file in files]


def test_vector_10_a_repeated_event_is_none_another_metric_is_one_and_the_201st_metric_is_skipped(tmp_path):
    room = drop_lab(tmp_path)
    row = "Seen,2022-01-01T10:00:00Z,a@x.com,x\n"
    batch = drop_and_fold(room, EVENTS + row + row, goal="events")
    assert (batch["events_created"], batch["rows_unchanged"]) == (1, 1)
    assert drop_and_fold(room, EVENTS + row.replace("Seen", "Read"), 2, "events")["events_created"] == 1
    metrics = [f"Metric {number},2022-01-01T10:00:00Z,a@x.com,x\n" for number in range(3, 202)]
    batch = drop_and_fold(room, EVENTS + "".join(metrics), 3, "events")
    assert batch["events_created"] == 198
    assert rejects(room) == [(200, "Metric name", "Metric limit of 200 reached")]
    batch = drop_and_fold(room, "Email,Image\na@x.com,foo\nb@x.com,https://x.com/b.png\n", 4)
    assert people(room, "email") == [("a@x.com",), ("b@x.com",)]
    assert (batch["rows_created"], batch["rows_rejected"]) == (1, 1)


def test_vector_11_a_row_with_an_address_and_a_number_makes_two_profiles_one_unless_their_addresses_differ(tmp_path):
    room = drop_lab(tmp_path / "one")
    drop_and_fold(room, PROFILES + "a@x.com,\n,+31600000001\na@x.com,+31600000001\n")
    assert people(room, "email, phone_number") == [("a@x.com", "+31600000001")]
    room = drop_lab(tmp_path / "two")
    drop_and_fold(room, PROFILES + "a@x.com,\nb@x.com,+31600000001\na@x.com,+31600000001\n")
    assert people(room, "email, phone_number") == [("a@x.com", None), ("b@x.com", "+31600000001")]
    assert rejects(room) == [(4, None, "A profile already exists with one of these identifiers.")]
