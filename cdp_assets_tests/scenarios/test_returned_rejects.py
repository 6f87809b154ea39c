"""Against a real OpenSSH: rejected rows go back once, are mended, sent again and imported."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from cdp_assets.errors import RemoteDownError
from cdp_assets.flows import run_connection
from cdp_assets.flows.check_connection import check_connection
from cdp_assets.flows.return_rejects import Returned
from cdp_assets_tests.support.connected import Shop, import_goal
from cdp_assets_tests.support.driven import KILLED, driver
from cdp_assets_tests.support.proxy import Proxy

GOOD = "email,city,points\na@x.com,Rome,10\n"
BAD = 'email,city,points\na@x.com,Rome,10\nbob(at)x.com,Oslo,1\n"c@x.com,Kiel,2\nd@x.com,Ede,many\n'
RETURNED = (
    "email,city,points,reject_line,reject_reason\n"
    "bob(at)x.com,Oslo,1,3,email: not a valid e-mail address\n"
    '"c@x.com,Kiel,2,4,a quote is never closed\n'
)
DELTA = {"delta": True}


def shop_with(sshd, tmp_path, **goal) -> Shop:
    settings = {"files": DELTA, "return_rejects": {"directory": "rejected"}} | goal
    return Shop(sshd, tmp_path / "data", [import_goal(**settings)])


def give_back(shop: Shop) -> list[Returned]:
    return run_connection.give_back(shop.connection, shop.folders, shop.now)


def returned(shop: Shop) -> dict[str, bytes]:
    """Name → content of what stands in the folder."""
    return {Path(name).name: content for name, content in shop.tree().items() if name.startswith("rejected/")}


def imported(sshd, tmp_path, content=BAD, name="customers_1.csv", **goal) -> Shop:
    shop = shop_with(sshd, tmp_path, **goal)
    shop.put(name, content)
    shop.import_all()
    return shop


def test_rejected_rows_go_back_mended_and_are_imported(sshd, tmp_path):
    shop = imported(sshd, tmp_path)
    (outcome,) = give_back(shop)
    ((name, content),) = returned(shop).items()
    assert (content.decode(), name) == (RETURNED, f"customers_1.csv.{outcome.batch_id[:8]}.rejected.csv")
    assert (outcome.rows, outcome.settled, outcome.note) == (2, True, "")
    mended = content.decode().replace("bob(at)", "bob@").replace('"c@', "c@")
    shop.put(name, mended)
    shop.import_all()
    assert shop.people("email, city, points") == [
        ("a@x.com", "Rome", 10),
        ("bob@x.com", "Oslo", 1),
        ("c@x.com", "Kiel", 2),
        ("d@x.com", "Ede", None),
    ]
    assert give_back(shop) == []


def test_rows_of_a_rejected_event_go_back(sshd, tmp_path):
    event = {
        "type": "order",
        "id": "no",
        "date": "day",
        "nested": [{"property": "product", "mappings": [{"column": "Menge", "property": "quantity"}]}],
    }
    event["nested"][0]["mappings"].append({"column": "sku", "property": "id"})
    rows = (
        "email,no,day,sku,Menge\na@x.com,1,2026-02-01,s1,viele\nb@x.com,2,2026-02-01,s1,1\na@x.com,1,2026-02-01,s2,1\n"
    )
    shop = imported(sshd, tmp_path, rows, mappings=[{"column": "no", "property": "city"}], events=[event])
    (outcome,) = give_back(shop)
    assert list(returned(shop).values()) == [
        (
            b"email,no,day,sku,Menge,reject_line,reject_reason\n"
            b"a@x.com,1,2026-02-01,s1,viele,2,\"Menge: 'viele' is not a whole number, or too large;"
            b' order 1 is left out"\n'
            b"a@x.com,1,2026-02-01,s2,1,4,order 1 is left out: see line 2\n"
        )
    ]
    assert (outcome.rows, shop.rows("SELECT rows FROM ops.returned_rejects")) == (2, [(2,)])
    assert give_back(shop) == []


def test_they_go_back_once(sshd, tmp_path):
    shop = imported(sshd, tmp_path)
    (outcome,) = give_back(shop)
    assert shop.rows("SELECT batch_id, path, rows, returned_at FROM ops.returned_rejects") == [
        (outcome.batch_id, outcome.path, 2, shop.now)
    ]
    for path in (shop.remote / "rejected").iterdir():
        path.unlink()
    shop.import_all()
    assert (give_back(shop), returned(shop)) == ([], {})


def test_a_file_without_rejected_rows_sends_nothing(sshd, tmp_path):
    shop = imported(sshd, tmp_path, "email,city,points\na@x.com,Ede,many\n,Ede,1\n")
    assert give_back(shop) == []
    assert not (shop.remote / "rejected").exists()


def test_the_senders_encoding_is_kept_and_packing_is_not(sshd, tmp_path):
    text = "email;city;points\nKöln;Süd;1\n"
    content = gzip.compress(text.encode("utf-16"))
    layout = {"separator": ";", "encoding": "utf-16"}
    shop = imported(sshd, tmp_path, content, "customers_1.csv.gz", files=DELTA | {"root": "customers_*"}, format=layout)
    give_back(shop)
    ((name, sent),) = returned(shop).items()
    assert name.startswith("customers_1.csv.")
    assert sent.decode("utf-16") == (
        "email;city;points;reject_line;reject_reason\nKöln;Süd;1;2;email: not a valid e-mail address\n"
    )


@pytest.mark.parametrize("state", ["waiting", "duplicate", "superseded"])
def test_only_what_is_in_the_profiles_goes_back(sshd, tmp_path, state):
    name = "customers_2026-02-01.csv"
    shop = shop_with(sshd, tmp_path)
    shop.put(name, BAD)
    shop.land()
    if state != "waiting":
        shop.put(name, BAD if state == "duplicate" else BAD.replace("Rome", "Bonn"), written=shop.now)
        shop.land()
        shop.fold()
    outcomes = give_back(shop)
    assert len(outcomes) == len(returned(shop)) == (state != "waiting")


def test_switching_it_on_sends_nothing_of_the_past(sshd, tmp_path):
    shop = imported(sshd, tmp_path, return_rejects=None)
    shop._goals[0]["return_rejects"] = {}
    shop.put("customers_2.csv", BAD.replace("Rome", "Bonn"))
    shop.import_all()
    (outcome,) = give_back(shop)
    assert outcome.name == "customers_2.csv"
    assert shop.rows("SELECT path IS NULL, rows FROM ops.returned_rejects ORDER BY 1") == [(False, 2), (True, 0)]


def test_a_directory_that_cannot_be_written_is_told_and_tried_again(sshd, tmp_path):
    shop = imported(sshd, tmp_path)
    (shop.remote / "rejected").write_text("a file, not a folder")
    (outcome,) = give_back(shop)
    assert not outcome.settled
    assert outcome.note.startswith("Could not return the rejected rows of customers_1.csv: ")
    (shop.remote / "rejected").unlink()
    (again,) = give_back(shop)
    assert again.settled
    assert list(returned(shop).values()) == [RETURNED.encode()]


def test_nobody_logs_in_where_nothing_is_due(sshd, tmp_path):
    shop = imported(sshd, tmp_path, GOOD)
    before = sshd.log().count("Accepted publickey")
    assert give_back(shop) == []
    assert sshd.log().count("Accepted publickey") == before


def test_what_arrived_before_a_link_was_cut_is_noted(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    for number in (1, 2):
        rows = "".join(f"nobody,{'x' * 50},{n}\n" for n in range(2_000 if number == 2 else 1))
        shop.put(f"customers_{number}.csv", "email,city,points\n" + rows)
    shop.import_all()
    with Proxy(sshd.port, "cut", after_bytes=40_000, direction="up") as proxy:
        settings = shop.settings(port=proxy.port)
        connection = shop.deployment.model_validate(settings).connections[0]
        with pytest.raises(RemoteDownError):
            run_connection.give_back(connection, shop.folders, shop.now)
    assert len(shop.rows("SELECT 1 FROM ops.returned_rejects")) == 1
    (outcome,) = give_back(shop)
    assert outcome.name == "customers_2.csv"
    assert len(returned(shop)) == 2
    assert not [name for name in shop.tree() if name.endswith(".part")]


@pytest.mark.slow
def test_a_death_at_any_step_ends_in_the_same_one_file(sshd, tmp_path):
    shop = imported(sshd, tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(shop.folders.root, kept)

    def restore() -> None:
        shutil.rmtree(shop.folders.root)
        shutil.copytree(kept, shop.folders.root)
        shutil.rmtree(shop.remote / "rejected", ignore_errors=True)

    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        assert process.run(shop.now, ["give back"]) == 0
        expected = (returned(shop), facts(shop))
        assert len(expected[0]) == 1
        for number in range(1, 50):
            restore()
            if process.run(shop.now, ["give back"], kill_at=number) != KILLED:
                break
            assert process.run(shop.now, ["give back"]) == 0
            assert (returned(shop), facts(shop)) == expected
            assert list(shop.folders.staging.iterdir()) == []
        assert number > 5


def facts(shop: Shop) -> list[tuple[object, ...]]:
    return shop.rows("SELECT batch_id, path, rows FROM ops.returned_rejects")


def test_the_trial_of_a_connection_tries_the_directory_too(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    assert [str(trial) for trial in check_connection(shop.connection)][-1] == (
        f"write {shop.remote}/rejected: not tried: the directory is not there; the first delivery tries to make it"
    )
