"""Against a real OpenSSH: every version once, in order, acknowledged; every export whole and once."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest

from cdp_assets.sample import write_shop
from cdp_assets_tests.support.connected import WRITTEN, Shop, export_goal, import_goal

FIRST = "email,city,points,tags\na@x.com,Rome,10,red\nb@x.com,Oslo,1,\n"
SAME_SIZE = FIRST.replace("Rome", "Bonn")
STAMPED = f"customers_1.csv.{WRITTEN:%Y%m%d%H%M%S}."
both_kinds = pytest.mark.parametrize("delta", [True, False], ids=["delta", "full"])


@pytest.fixture
def shop(sshd, tmp_path):
    """One delta goal that has imported its first file."""
    return imported(sshd, tmp_path, delta=True)


def imported(sshd, tmp_path, **files):
    shop = Shop(sshd, tmp_path, [import_goal(files=files)])
    shop.put("customers_1.csv", FIRST)
    shop.import_all()
    return shop


def test_a_file_is_imported_and_renamed(shop):
    assert shop.people() == [("a@x.com", "Rome", 10, ["red"]), ("b@x.com", "Oslo", 1, None)]
    assert shop.tree() == {"in/customers_1.csv.done": FIRST.encode()}
    assert shop.rows("SELECT state, rows_created, rows_received FROM ops.batches") == [("folded", 2, 2)]


def test_a_second_run_finds_nothing_to_do(shop):
    before, tree = shop.dump(), shop.tree()
    look, fold, acknowledged = shop.import_all()
    assert (look.outcomes, fold.folded, acknowledged) == ((), (), [])
    assert (shop.dump(), shop.tree()) == (before, tree)


@both_kinds
def test_the_same_file_again_after_done_changes_nothing_and_is_renamed_too(sshd, tmp_path, delta):
    shop = imported(sshd, tmp_path, delta=delta)
    before = shop.dump()
    for number in range(3):
        shop.put("customers_1.csv", FIRST)
        _, fold, _ = shop.import_all()
        assert fold.folded == ()
        assert len(shop.names()) == number + 2
    assert shop.dump() == before
    assert "customers_1.csv" not in shop.names()
    assert shop.names()[0].startswith(STAMPED)
    assert set(shop.tree().values()) == {FIRST.encode()}


@both_kinds
def test_the_same_content_with_a_touched_time_changes_nothing_and_is_renamed_too(sshd, tmp_path, delta):
    shop = imported(sshd, tmp_path, delta=delta)
    before = shop.dump()
    shop.put("customers_1.csv", FIRST, written=WRITTEN + timedelta(hours=3))
    shop.import_all()
    assert shop.dump() == before
    assert shop.states() == ["folded", "duplicate"]
    assert len(shop.names()) == 2
    assert "customers_1.csv" not in shop.names()


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({"delta": False}, "folded"),
        ({"delta": True, "duplicate_content": "skip"}, "duplicate"),
        ({"delta": True, "root": r"customers_(\d+)[a-z]*\.csv", "match": "regex"}, "duplicate"),
    ],
    ids=["full", "skip", "same partition"],
)
def test_the_same_content_under_another_name_changes_nothing_and_is_renamed_too(sshd, tmp_path, files, state):
    shop = imported(sshd, tmp_path, **files)
    before = shop.people()
    name = "customers_1b.csv" if "match" in files else "customers_2.csv"
    shop.put(name, FIRST)
    shop.import_all()
    assert shop.people() == before
    assert shop.states() == ["folded", state]
    assert shop.names() == ["customers_1.csv.done", f"{name}.done"]


def test_a_delta_of_another_partition_with_the_same_content_counts_and_is_told(shop):
    shop.put("customers_2.csv", FIRST)
    shop.import_all()
    assert shop.people("points") == [(2,), (20,)]
    assert shop.rows("SELECT note FROM ops.batches ORDER BY look_at")[1] == (
        "same content as customers_1.csv; both count",
    )


@pytest.mark.parametrize(("name", "points"), [("customers_1.csv", 20), ("customers_2026-02-01.csv", 10)])
@pytest.mark.parametrize("cities", [("Oslo", "Wien"), ("Wien", "Oslo")])
def test_another_content_of_the_same_name_size_and_second_after_done_is_a_new_version(
    sshd, tmp_path, name, points, cities
):
    """Both ways round: the order must not hang on the digests of the two contents. A dated file is corrected."""
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True})])
    for city in cities:
        shop.put(name, f"email,city,points\na@x.com,{city},10\n")
        shop.import_all()
    shop.import_all()
    assert shop.people("city, points") == [(cities[1], points)]
    assert shop.states() == ["superseded" if points == 10 else "folded", "folded"]
    assert len(shop.names()) == len(shop.tree()) == 2
    assert name not in shop.names()
    assert shop.rows("SELECT count(DISTINCT renamed_to) FROM ops.acknowledgements") == [(2,)]


def test_a_file_replaced_before_its_acknowledgement_keeps_its_name_and_is_imported_next_time(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True})])
    shop.put("customers_1.csv", FIRST)
    shop.land()
    newer = FIRST + "d@x.com,Kiel,5,\n"
    shop.put("customers_1.csv", newer, written=WRITTEN + timedelta(minutes=1))
    shop.fold()
    (left,) = shop.acknowledge()
    assert (left.renamed_to, left.settled) == (None, True)
    assert shop.tree() == {"in/customers_1.csv": newer.encode()}
    shop.import_all()
    assert shop.people("email, points") == [("a@x.com", 20), ("b@x.com", 2), ("d@x.com", 5)]
    assert shop.tree() == {"in/customers_1.csv.done": newer.encode()}


def test_a_new_version_that_is_landed_but_not_folded_keeps_its_name(shop):
    """Even where a listing cannot tell it from the version before it, which is safely in."""
    shop.put("customers_1.csv", SAME_SIZE)
    shop.land()
    assert shop.acknowledge() == []
    assert shop.names() == ["customers_1.csv", "customers_1.csv.done"]
    shop.fold()
    shop.acknowledge()
    assert "customers_1.csv" not in shop.names()


def test_an_existing_done_file_is_never_overwritten(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal()])
    shop.put("customers_1.csv.done", "precious")
    shop.put("customers_1.csv", FIRST)
    _, _, (acknowledged,) = shop.import_all()
    assert acknowledged.renamed_to.startswith(f"{shop.dirs['in']}/{STAMPED}")
    assert shop.tree()["in/customers_1.csv.done"] == b"precious"
    assert len(shop.names()) == 2


def test_a_file_that_vanished_is_noted_once(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal()])
    path = shop.put("customers_1.csv", FIRST)
    shop.land()
    path.unlink()
    shop.fold()
    assert [item.note for item in shop.acknowledge()] == ["the file is gone"]
    assert shop.acknowledge() == []
    assert shop.people("points") == [(1,), (10,)]


def test_a_refused_rename_is_tried_again_and_never_imports_twice(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True})])
    shop.put("customers_1.csv", FIRST)
    shop.dirs["in"].chmod(0o555)
    _, _, (refused,) = shop.import_all()
    assert (refused.settled, refused.renamed_to) == (False, None)
    assert "customers_1.csv" in refused.note
    shop.dirs["in"].chmod(0o755)
    _, fold, (renamed,) = shop.import_all()
    assert (fold.folded, renamed.settled) == ((), True)
    assert shop.people("points") == [(1,), (10,)]
    assert shop.names() == ["customers_1.csv.done"]


def test_a_file_that_is_not_to_be_renamed_is_imported_once(sshd, tmp_path):
    shop = imported(sshd, tmp_path, delta=True, rename_done=False)
    shop.import_all()
    assert shop.people("points") == [(1,), (10,)]
    assert shop.names() == ["customers_1.csv"]


def test_goals_fold_in_their_order_whatever_was_uploaded_first(sshd, tmp_path):
    """The second goal may not create: it needs what the first goal brings in the same look."""
    points = import_goal("points", mappings=[{"column": "points", "property": "points"}], allow_create=False)
    shop = Shop(sshd, tmp_path, [import_goal(), points])
    shop.put("points_1.csv", "email,points\na@x.com,500\n", written=WRITTEN - timedelta(days=9))
    shop.put("customers_1.csv", FIRST)
    shop.import_all()
    assert shop.people("email, points") == [("a@x.com", 500), ("b@x.com", 1)]
    assert shop.rows("SELECT sum(rows_not_found), sum(rows_modified) FROM ops.batches") == [(0, 1)]


def test_a_wrong_file_fails_alone(shop):
    shop.put("customers_2.csv", "mail,points\nz@x.com,1\n")
    shop.put("customers_3.csv", "email,points\nc@x.com,3\n")
    look, _, _ = shop.import_all()
    assert [(item.name, bool(item.error)) for item in look.outcomes] == [
        ("customers_2.csv", True),
        ("customers_3.csv", False),
    ]
    assert 'Column "email" not found; the file has: mail, points' in look.outcomes[0].error
    assert shop.people("email") == [("a@x.com",), ("b@x.com",), ("c@x.com",)]
    assert shop.names() == ["customers_1.csv.done", "customers_2.csv", "customers_3.csv.done"]
    assert shop.rows("SELECT path FROM ops.attempts") == [(f"{shop.dirs['in']}/customers_2.csv",)]


def test_a_file_with_a_broken_row_folds_together_with_a_clean_one(sshd, tmp_path):
    """Only batches of files that had to be read row by row know the line of each row."""
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True})])
    shop.put("customers_1.csv", FIRST)
    shop.put("customers_2.csv", FIRST + '"c@x.com" x,Kiel,1,\nc@x.com,Kiel,5,\n')
    shop.import_all()
    assert shop.people("email, points") == [("a@x.com", 20), ("b@x.com", 2), ("c@x.com", 5)]
    assert shop.rows("SELECT file, line_no FROM ops.rejects") == [("customers_2.csv", 4)]


@pytest.mark.parametrize(
    "files", [{}, {"root": r"customers_(\d+).*", "match": "regex"}, {"root": "customers_.*", "match": "regex"}]
)
def test_undecodable_names_do_not_stop_the_others(sshd, tmp_path, files):
    shop = Shop(sshd, tmp_path, [import_goal(files=files)])
    for name in (b"\xff\xfe.csv", b"customers_1.\xff.csv", b"customers_\xc3.csv", b"\xf0.bin"):
        shop.put(name, FIRST)
    shop.put("customers_2.csv", FIRST)
    look, _, _ = shop.import_all()
    assert [item.name for item in look.outcomes] == ["customers_2.csv"]
    assert all(item.name.encode("utf-8", "surrogateescape") for item in look.look.passed_over)
    assert any(item.kind == "wrong name" for item in look.look.passed_over)
    assert "customers_2.csv.done" in shop.names()
    assert len(shop.names()) == 5


def test_an_export_is_delivered_whole_and_a_profile_again_only_when_it_changed(sshd, tmp_path):
    changed, everybody = export_goal(), export_goal("all_vips", population="all", file={"name": "vips"})
    shop = Shop(sshd, tmp_path, [import_goal(files={"delta": True}), changed, everybody])
    shop.put("customers_1.csv", FIRST.replace("b@x.com,Oslo,1", "b@x.com,Oslo,11"))
    shop.import_all()
    shop.deliver()
    assert delivered(shop) == [["a@x.com", "b@x.com"]]
    assert [item.exports[-1].path for item in shop.deliver()] == ["", f"{shop.dirs['out']}/vips.csv"]
    assert delivered(shop) == [["a@x.com", "b@x.com"]]
    shop.put("customers_2.csv", "email,points\nb@x.com,1\n")
    shop.import_all()
    shop.deliver()
    assert delivered(shop) == [["a@x.com", "b@x.com"], ["b@x.com"]]
    assert read(shop, "vips.csv") == [
        {"email": "a@x.com", "points": "10", "city": "Rome"},
        {"email": "b@x.com", "points": "12", "city": "Oslo"},
    ]
    assert shop.rows("SELECT count(*) FROM ops.exports WHERE uploaded") == [(4,)]


def delivered(shop):
    """The e-mail addresses of each time-stamped file, in the order of delivery."""
    files = [name for name in shop.names("out") if name != "vips.csv"]
    return [sorted(row["email"] for row in read(shop, name)) for name in files]


def read(shop, name):
    with (shop.dirs["out"] / name).open(newline="") as source:
        return sorted(csv.DictReader(source), key=lambda row: row["email"])


def test_the_sample_shop_is_imported_once_however_often_it_is_sent(sshd, tmp_path):
    source = tmp_path / "source"
    write_shop(source, customers=300)
    properties = [{"name": "email", "type": "email"}, {"name": "city"}, {"name": "spend", "type": "decimal"}]
    goal = import_goal(
        files={"delta": True},
        format={"separator": ";", "decimal": ","},
        identifiers=[{"column": "E-Mail", "property": "email"}],
        mappings=[
            {"column": "City", "property": "city"},
            {"column": "Spend", "property": "spend", "rule": "sum"},
        ],
    )
    shop = Shop(sshd, tmp_path / "data", [goal], properties)
    dumps = []
    for hours in (0, 0, 1):
        for file in source.glob("in/customers_*.csv"):
            shop.put(file.name, file.read_bytes(), written=WRITTEN + timedelta(hours=hours))
        shop.import_all()
        dumps.append(shop.dump())
    assert dumps[0]["profiles"]
    assert dumps[0] == dumps[1] == dumps[2]
    assert len(shop.names()) == 12
    assert all(name.endswith(".done") for name in shop.names())
