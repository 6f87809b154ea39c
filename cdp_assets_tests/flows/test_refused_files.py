"""`on_error`: a file with too many rejected rows is refused as a whole, and its rejects stay for people."""

from __future__ import annotations

import pytest

from cdp_assets.config.refusal import is_too_many
from cdp_assets.errors import FileRefusedError
from cdp_assets.flows.manifests import all_attempts, all_batch_folders, rejects_beside
from cdp_assets_tests.support.connected import PROPERTIES, Shop, import_goal
from cdp_assets_tests.support.lab import Lab, deployment

GOOD = "email,city\na@x.com,Ede\n"
BAD = "email,city\na@x.com,Ede\nb@x.com,Ede,NL\nnot-an-address,Ede\nc@x.com,Ede\n"


def lab(tmp_path, on_error):
    goal = import_goal(mappings=[{"column": "city", "property": "city"}], on_error=on_error)
    return Lab(tmp_path, deployment(PROPERTIES, [goal]))


def test_any_rejected_row_refuses_the_file_if_the_goal_says_so(tmp_path):
    room = lab(tmp_path, "fail_file")
    with pytest.raises(FileRefusedError) as refused:
        room.land("customers", "customers_1.csv", BAD)
    assert str(refused.value) == (
        "customers_1.csv is refused as a whole: 2 of 4 rows are rejected, on_error allows none; line 3: the row has 3"
        " cells, the header has 2; line 4: email: not a valid e-mail address"
    )
    assert list(all_batch_folders(room.folders)) == []
    room.land("customers", "customers_2.csv", GOOD)
    room.fold()
    assert room.rows("SELECT email FROM main.profiles") == [("a@x.com",)]


def test_every_rejected_row_of_a_refused_file_is_in_the_ledger(tmp_path):
    room = lab(tmp_path, "fail_file")
    for _ in range(2):
        with pytest.raises(FileRefusedError):
            room.land("customers", "customers_1.csv", BAD)
        room.fold()
        room.fold()
    found = room.rows(
        "SELECT path, file, line_no, raw_text, reason FROM ops.rejects JOIN ops.attempts ON batch_id = attempt_id"
        " ORDER BY failed_at, attempt_id, line_no"
    )
    once = [
        ("in/customers_1.csv", "customers_1.csv", 3, "b@x.com,Ede,NL", "the row has 3 cells, the header has 2"),
        ("in/customers_1.csv", "customers_1.csv", 4, "not-an-address", "email: not a valid e-mail address"),
    ]
    assert found == once * 2
    assert all(rejects_beside(record).exists() for record in all_attempts(room.folders))


def test_reasons_are_told_of_a_few_rows_only(tmp_path):
    with pytest.raises(FileRefusedError, match=r"20 of 20 rows are rejected.*; line 6: [^;]*; and 15 more$"):
        lab(tmp_path, "fail_file").land("customers", "customers_1.csv", "email,city\n" + "a@x.com,a,b\n" * 20)


def test_cells_and_rows_without_an_identifier_refuse_nothing(tmp_path):
    goal = import_goal(on_error="fail_file")
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    landed = room.land("customers", "customers_1.csv", "email,points\na@x.com,many\n,1\n").manifest
    assert (landed.cells_rejected, landed.rows_no_identifier, landed.rows_rejected) == (1, 1, 0)


@pytest.mark.parametrize("on_error", ["skip_rows", {"skip_file_over": 2}, {"skip_file_over": "50 %"}])
def test_a_file_within_the_limit_is_imported_without_its_rejected_rows(tmp_path, on_error):
    landed = lab(tmp_path, on_error).land("customers", "customers_1.csv", BAD)
    assert landed.manifest.rows_rejected == 2


@pytest.mark.parametrize("limit", [0, 1, "49.9 %", "0%"])
def test_a_file_over_the_limit_is_refused(tmp_path, limit):
    with pytest.raises(FileRefusedError, match=f"2 of 4 rows are rejected, on_error allows {limit}; line 3: "):
        lab(tmp_path, {"skip_file_over": limit}).land("customers", "customers_1.csv", BAD)


def test_a_file_of_no_rows_is_within_every_limit():
    assert not is_too_many("fail_file", 0, 0)


def test_a_file_refused_once_lands_under_a_wider_limit(tmp_path):
    with pytest.raises(FileRefusedError):
        lab(tmp_path, {"skip_file_over": "10 %"}).land("customers", "customers_1.csv", BAD)
    room = lab(tmp_path, {"skip_file_over": "50 %"})
    assert room.land("customers", "customers_1.csv", BAD).is_new
    room.fold()
    assert room.rows("SELECT count(*) FROM main.profiles") == [(2,)]


def test_the_limit_alone_makes_no_other_batch_of_a_file(tmp_path):
    lab(tmp_path, "skip_rows").land("customers", "customers_1.csv", BAD)
    (again,) = lab(tmp_path, "fail_file").reland("customers")
    assert not again.is_new


def test_landing_anew_keeps_the_batch_there_is_if_the_file_is_refused_now(tmp_path):
    first = lab(tmp_path, "skip_rows")
    first.land("customers", "customers_1.csv", BAD)
    goal = import_goal(mappings=[{"column": "city", "property": "city", "rule": "set_or_clear"}], on_error="fail_file")
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    with pytest.raises(FileRefusedError):
        room.reland("customers")
    room.fold()
    assert room.rows("SELECT state FROM ops.batches") == [("folded",)]
    assert room.rows("SELECT count(*) FROM ops.rejects JOIN ops.attempts ON batch_id = attempt_id") == [(2,)]


def test_a_refused_file_stays_on_the_server_and_the_others_go_on(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal(on_error={"skip_file_over": "5%"})])
    shop.put("customers_1.csv", BAD)
    shop.put("customers_2.csv", GOOD)
    imported, folded, _ = shop.import_all()
    assert [outcome.name for outcome in imported.outcomes if outcome.error] == ["customers_1.csv"]
    assert [batch["name"] for batch in folded.folded] == ["customers_2.csv"]
    assert shop.names() == ["customers_1.csv", "customers_2.csv.done"]
    assert shop.rows("SELECT DISTINCT file, attempts.error LIKE '%2 of 4%' FROM ops.rejects, ops.attempts") == [
        ("customers_1.csv", True)
    ]
