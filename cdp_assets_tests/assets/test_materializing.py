"""Import partitions, the fold and what hangs on it, materialised one by one as by a click."""

from __future__ import annotations

import dagster as dg
import pytest

from cdp_assets.assets.runtime import data_folders
from cdp_assets.warehouse import writer_lock
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, QUIET, VIP_LIST, VISITS, World, told

KEY = "shop/customers"
NOBODY, BAD_MAIL, BAD_SPEND = ",Delft,1\n", "no mail,Delft,1\n", "cleo@example.com,Delft,a lot\n"


def landed(shop: World, *rows: str, partition: str = "1", at: int = 1_700_000_000) -> dg.ExecuteInProcessResult:
    """A file on the server, materialised as its partition."""
    shop.put(f"customers_{partition}.csv", *rows, at=at)
    if partition not in shop.partitions():
        shop.add_partitions(partition)
    return shop.materialize(KEY, partition)


def test_looking_lists_the_files_and_adds_their_partitions(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.put("notes.txt", "")
    assert shop.materialize("shop/files").success
    metadata = told(shop.observations("shop/files")[0])
    assert list(metadata)[:4] == ["new files", "names to mend", "files", "files no goal takes"]
    assert metadata["new files"] == 1
    assert [record.data["name"] for record in shop.observations("shop/files")[0].metadata["files"].records] == [
        "customers_1.csv"
    ]
    (file,) = shop.observations("shop/files")[0].metadata["files"].records
    assert file.data["state"] == "new: customers / 1, modified 14 Nov 2023 22:13"
    (left,) = shop.observations("shop/files")[0].metadata["files no goal takes"].records
    assert left.data["name"] == "notes.txt"
    assert shop.partitions() == ["1"]


@pytest.mark.parametrize("by", ["shop__run_now", "shop__land_arrivals", KEY])
def test_a_file_that_a_run_has_imported_is_not_told_as_new(shop: World, by: str) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.add_partitions("1")
    run = shop.materialize(by, "1") if by == KEY else shop.run(by)
    assert run.success
    event = shop.observations("shop/files")[0]
    assert told(event)["new files"] == 0
    assert [record.data["state"] for record in event.metadata["files"].records] == [
        "imported: customers / 1, modified 14 Nov 2023 22:13"
    ]
    assert str(told(event)["looked at"]).endswith(" UTC")


def test_a_look_tells_why_no_goal_takes_a_file(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS])
    assert shop.materialize("shop/files").success
    assert "files renamed to .done, not listed" not in told(shop.observations("shop/files")[0])
    for name in ("Customers_1.csv", "customers_2.csv.part", "customers_3.csv.done", "customers_4...5.csv"):
        shop.put(name, ANNA)
    assert shop.materialize("shop/files").success
    event = shop.observations("shop/files")[0]
    assert told(event)["files renamed to .done, not listed"] == 1
    why = {
        str(record.data["name"]): str(record.data["why"]) for record in event.metadata["files no goal takes"].records
    }
    assert list(why) == ["Customers_1.csv", "customers_4...5.csv", "customers_2.csv.part"]
    assert "only upper and lower case differ" in why["Customers_1.csv"]
    assert why["customers_2.csv.part"] == "names that end in .part are never taken"
    assert "rename the file" in why["customers_4...5.csv"]
    assert told(event)["names to mend"] == 2


def test_a_landing_tells_what_the_file_held(shop: World) -> None:
    assert landed(shop, ANNA, NOBODY, BAD_MAIL, BAD_SPEND).success
    (event,) = shop.materializations(KEY)
    metadata = told(event)
    assert event.partition == "1"
    assert list(metadata)[:8] == [
        "file",
        "state",
        "note",
        "rows received",
        "rows excluded: no identifier",
        "rows rejected",
        "cells rejected",
        "rejects",
    ]
    counts = [metadata[name] for name in ("rows received", "rows excluded: no identifier", "rows rejected")]
    assert (metadata["file"], metadata["state"], counts) == ("customers_1.csv", "landed", [4, 1, 1])
    assert metadata["columns"] == "E-Mail, City, Spend"


def test_a_table_without_rows_is_left_out(shop: World) -> None:
    assert shop.materialize("shop/files").success
    assert list(told(shop.observations("shop/files")[0]))[:2] == ["new files", "names to mend"]
    assert {"files", "files no goal takes"}.isdisjoint(told(shop.observations("shop/files")[0]))
    assert landed(shop, ANNA).success
    assert told(shop.materializations(KEY)[0])["rows rejected"] == 0
    assert "rejects" not in told(shop.materializations(KEY)[0])


def test_rejects_stand_in_a_table_with_their_texts_masked(shop: World) -> None:
    assert landed(shop, ANNA, BAD_MAIL, BAD_SPEND).success
    rejects = shop.materializations(KEY)[0].metadata["rejects"].records
    columns = ("line", "column", "text (masked)", "reason")
    assert [tuple(record.data[name] for name in columns) for record in rejects] == [
        (3, "E-Mail", "n…l (7 characters)", "email: not a valid e-mail address"),
        (
            4,
            "Spend",
            "a…t (5 characters)",
            "spend: not a decimal number, or too large (as in 1,234.56, no blanks, no €)",
        ),
    ]


def test_the_fold_tells_on_the_partition_what_its_rows_did(shop: World) -> None:
    assert landed(shop, ANNA, BERT, NOBODY, BAD_MAIL).success
    assert shop.materialize("profiles").success
    (event,) = shop.observations(KEY)
    assert (event.partition, told(event)) == (
        "1",
        {
            "file": "customers_1.csv",
            "state": "folded",
            "at its first fold": "Received 0 updates, created 2 profiles, 0 profiles unchanged, checked 4."
            " 1 row without an identifier. 1 row rejected.",
            "note": "its rows are in the profiles",
            "rows received": 4,
            "rows created": 2,
            "rows modified": 0,
            "rows unchanged": 0,
            "rows excluded: no identifier": 1,
            "rows rejected": 1,
        },
    )


def test_the_profiles_tell_their_number_and_what_the_fold_did(shop: World) -> None:
    assert landed(shop, ANNA, BERT).success
    assert shop.materialize("profiles").success
    metadata = shop.materializations("profiles")[0].metadata
    assert metadata["dagster/row_count"].value == 2
    (batch,) = metadata["batches"].records
    assert dict(batch.data) == {
        "file": "customers_1.csv",
        "goal and result": "shop / customers, 2 rows: 2 created",
    }


def test_a_file_with_no_partition_tells_it_on_the_asset(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS])
    shop.put("visits.csv", ANNA)
    assert shop.materialize("shop/visits").success
    assert shop.materialize("profiles").success
    (event,) = shop.observations("shop/visits")
    assert (event.partition, told(event)["rows excluded: not found"]) == (None, 1)


def test_a_partition_without_a_file_says_so(shop: World) -> None:
    shop.add_partitions("7")
    run = shop.materialize(KEY, "7")
    assert not run.success
    assert "no file for partition '7' of shop/customers on the server" in failure(run)
    assert shop.statuses(KEY, "7") == {"7": "FAILED"}


def launched(shop: World, partition: str) -> dg.ExecuteInProcessResult:
    """As the web server launches a partition: without asking whether there is one."""
    job = shop.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        QUIET,
        instance=shop.instance,
        raise_on_error=False,
        tags={"dagster/partition": partition},
        asset_selection=[dg.AssetKey.from_user_string(KEY)],
    )


def test_a_partition_dagster_does_not_know_is_told_with_what_to_do(shop: World) -> None:
    shop.add_partitions("1", "2")
    assert failure(launched(shop, "7")) == (
        "shop/customers has no partition '7'; it has '1', '2'. Observe shop/files first, which gives every file on the "
        "server its partition, then choose one"
    )


def test_a_window_before_the_first_is_told_without_a_word_about_looking(shop: World) -> None:
    daily = CUSTOMERS["files"] | {"partitions": {"by": "day", "start": "2026-01-01"}}
    shop.set_up(goals=[CUSTOMERS | {"files": daily}, VIP_LIST])
    told_of = failure(launched(shop, "2025-01-01"))
    assert told_of.startswith("shop/customers has no partition '2025-01-01'; it has … '20")
    assert "Observe" not in told_of


def failure(run: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in run.all_events if event.is_step_failure]
    data = event.step_failure_data
    return (data.user_failure_data.description if data.user_failure_data else "") or ""


def test_a_bad_file_in_a_backfill_fails_its_own_partition_only(shop: World) -> None:
    for name, row in (("1", ANNA), ("3", BERT)):
        shop.put(f"customers_{name}.csv", row)
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    shop.add_partitions("1", "2", "3")
    run = shop.materialize(KEY, asset_partition_range_start="1", asset_partition_range_end="3")
    assert not run.success
    assert failure(run).startswith(
        "1 file was refused. It stays on the server, and run now tries it again; no other file waits for it.\n"
        "customers_2.csv: "
    )
    assert shop.statuses(KEY, "1", "2", "3") == {"1": "MATERIALIZED", "2": "FAILED", "3": "MATERIALIZED"}
    (refused,) = shop.observations(KEY)
    assert (refused.partition, told(refused)["state"]) == ("2", "refused")


def test_a_file_refused_by_run_now_tells_why_on_its_partition(shop: World) -> None:
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    assert not shop.run("shop__customers__run_now").success
    assert shop.statuses(KEY, "2") == {"2": "FAILED"}
    (refused,) = shop.observations(KEY)
    metadata = told(refused)
    assert (refused.partition, metadata["file"], metadata["state"]) == ("2", "customers_2.csv", "refused")
    reason = str(metadata["note"])
    assert reason.endswith("not found; the file has: no such column")
    assert shop.materialize("shop/files").success
    (file,) = shop.observations("shop/files")[0].metadata["files"].records
    told_state = str(file.data["state"])
    assert told_state.startswith("refused: customers / 2, modified ")
    assert told_state.endswith(f". {reason}")


def test_a_backfill_gives_every_partition_its_own_counts(shop: World) -> None:
    shop.put("customers_9.csv", ANNA)
    shop.put("customers_10.csv", ANNA, BERT)
    shop.add_partitions("10", "9")
    assert shop.materialize(KEY, asset_partition_range_start="10", asset_partition_range_end="9").success
    events = {event.partition: told(event)["rows received"] for event in shop.materializations(KEY)}
    assert events == {"9": 1, "10": 2}


def test_a_partition_materialised_again_does_nothing(shop: World) -> None:
    assert landed(shop, ANNA).success
    assert shop.materialize("profiles").success
    assert shop.materialize(KEY, "1").success
    assert told(shop.materializations(KEY)[0])["note"] == "This version was landed before; nothing was done."
    assert shop.materialize("profiles").success
    assert told(shop.materializations("profiles")[0])["batches folded"] == 0
    assert shop.rows("SELECT spend FROM main.profiles")[0][0] == 600


def test_a_partition_materialised_again_still_tells_what_its_rows_did(shop: World) -> None:
    assert landed(shop, ANNA, BERT, BAD_MAIL).success
    assert shop.materialize("profiles").success
    (folded,) = shop.observations(KEY)
    assert shop.materialize(KEY, "1").success
    event = shop.materializations(KEY)[0]
    metadata = told(event)
    assert list(metadata)[:4] == ["file", "state", "at its first fold", "note"]
    note = {"note": "This version was landed before; nothing was done."}
    assert metadata.items() >= (told(folded) | note).items()
    assert len(event.metadata["rejects"].records) == 1


def test_of_a_file_sent_twice_only_the_version_that_counts_is_counted(shop: World) -> None:
    assert landed(shop, ANNA, partition="20260102").success
    assert landed(shop, ANNA, BERT, partition="20260102", at=1_700_000_100).success
    assert shop.materialize("profiles").success
    assert shop.materialize(KEY, "20260102").success
    event = shop.materializations(KEY)[0]
    metadata = told(event)
    names = ("state", "rows received", "rows created", "files that count", "dagster/partition_row_count")
    assert [metadata[name] for name in names] == ["folded", 2, 2, 1, 2]
    files = event.metadata["files"].records
    assert {record.data["file"] for record in files} == {"customers_20260102.csv"}
    assert {record.data["rows"]: record.data["does it count"] for record in files} == {
        "1 row, 0 rejected": "does not count: a newer version is there",
        "2 rows, 0 rejected": "counts",
    }


def test_a_landing_does_not_wait_for_who_writes_to_tell_what_the_rows_did(shop: World) -> None:
    assert landed(shop, ANNA).success
    assert shop.materialize("profiles").success
    with writer_lock(data_folders().warehouse, 0):
        assert shop.materialize(KEY, "1").success
        assert told(shop.materializations(KEY)[0])["rows created"] == 1
        data_folders().published.unlink()
        assert shop.materialize(KEY, "1").success
    metadata = told(shop.materializations(KEY)[0])
    assert (metadata["state"], "rows created" in metadata) == ("landed", False)


def test_an_empty_last_text_is_not_in_the_key_and_a_key_from_before_is_still_understood(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS | {"files": CUSTOMERS["files"] | {"root": "customers_*.csv*"}}, VIP_LIST])
    for name, rows in (("customers_24.csv", (ANNA,)), ("customers_24.csv2", (ANNA, BERT))):
        shop.put(name, *rows)
    assert shop.materialize("shop/files").success
    assert shop.partitions() == ["24", "24 | 2"]
    shop.add_partitions("24 | ", "24_2")
    for key in ("24", "24 | 2"):
        assert shop.materialize(KEY, key).success
    assert shop.materialize("profiles").success
    assert {event.partition: told(event)["rows received"] for event in shop.observations(KEY)} == {"24": 1, "24 | 2": 2}
    for key in ("24 | ", "24_2"):
        assert shop.materialize(KEY, key).success
    assert {event.partition: told(event)["file"] for event in shop.materializations(KEY)[:2]} == {
        "24 | ": "customers_24.csv",
        "24_2": "customers_24.csv2",
    }


def test_a_partition_materialised_after_its_yaml_changed_is_landed_anew(shop: World) -> None:
    assert landed(shop, ANNA).success
    assert shop.materialize("profiles").success
    (mapping, _) = CUSTOMERS["mappings"]
    shop.set_up(goals=[CUSTOMERS | {"mappings": [mapping]}, VIP_LIST])
    assert shop.materialize(KEY, "1").success
    assert told(shop.materializations(KEY)[0])["state"] == "landed"
    assert shop.materialize("profiles").success
    assert shop.rows("SELECT city, spend FROM main.profiles") == [("Delft", None)]
    assert str(told(shop.materializations("profiles")[0])["rebuilt"]).startswith("yes")


def test_a_newer_file_of_a_partition_is_landed_in_its_place(shop: World) -> None:
    assert landed(shop, ANNA, partition="20260102").success
    assert landed(shop, ANNA, BERT, partition="20260102", at=1_700_000_100).success
    assert shop.materialize("profiles").success
    states = [(told(event)["state"], told(event)["rows received"]) for event in shop.observations(KEY)]
    assert sorted(states) == [("folded", 2), ("superseded", 1)]


def test_what_is_behind_the_profiles_tells_what_it_did(shop: World) -> None:
    assert landed(shop, ANNA, BERT).success
    for key in ("profiles", "shop/done", "segments/vip", "shop/vip_list"):
        assert shop.materialize(key).success
    metadata = {key: told(shop.materializations(key)[0]) for key in ("shop/done", "segments/vip", "shop/vip_list")}
    assert metadata["shop/done"]["files renamed"] == 1
    (renamed,) = shop.materializations("shop/done")[0].metadata["files"].records
    assert dict(renamed.data) == {"file": "customers_1.csv", "what became of it": ".done put behind its name"}
    assert (metadata["segments/vip"]["dagster/row_count"], metadata["segments/vip"]["joined"]) == (1, 1)
    assert metadata["shop/vip_list"]["note"] == "Exported 1 profile to out/vip.csv."
    assert (shop.server.folder / "out" / "vip.csv").read_text() == "email,spend\nanna@example.com,600.00\n"
    assert (shop.server.folder / "in" / "customers_1.csv.done").exists()


def test_what_is_switched_off_refuses_to_be_materialised(shop: World) -> None:
    shop.add_partitions("1")
    shop.set_up(enabled=False)
    told_by = {key: failure(shop.materialize(key, part)) for key, part in ((KEY, "1"), ("shop/vip_list", None))}
    assert set(told_by.values()) == {"connection shop is switched off (enabled: false)"}


def test_a_lost_link_is_tried_again(shop: World, monkeypatch) -> None:
    monkeypatch.setattr("cdp_assets.assets.runtime.RETRY_AFTER_S", 0)
    shop.add_partitions("1")
    shop.server.stop()
    run = shop.materialize(KEY, "1")
    assert not run.success
    assert len([event for event in run.all_events if event.is_step_restarted]) == 3
