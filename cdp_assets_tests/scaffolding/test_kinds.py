"""Which files are of one kind, and what its goal is called."""

from datetime import UTC, datetime

import pytest

from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.selection import wildcard_value
from cdp_assets.flows.file_kinds import FileKind, file_kinds, free_name


def kinds_of(*names):
    files = [RemoteFile(name, name, 1, datetime(2026, 1, place + 1, tzinfo=UTC)) for place, name in enumerate(names)]
    return file_kinds(files)


def test_names_that_differ_by_dates_are_one_kind():
    kinds = kinds_of(
        "c_20261124.csv", "c_2026-11-25_0600.csv", "cards.csv", ".hidden", "c_1.csv.done", "v2_cards.csv.gz"
    )
    assert {kind.pattern: kind.newest.name for kind in kinds} == {
        "c_*.csv": "c_2026-11-25_0600.csv",
        "cards.csv": "cards.csv",
        "v2_cards.csv.gz": "v2_cards.csv.gz",
    }


def test_gzipped_files_are_of_the_kind_of_the_plain_ones():
    (kind,) = kinds_of("c-1_20261124.csv", "c-1_20261125.csv.gz")
    assert (kind.pattern, kind.newest.name, kind.gzipped_too) == ("c-1_*.csv", "c-1_20261125.csv.gz", True)
    files = kind.files("in")
    assert [wildcard_value(files, name) for name in ("c-1_20261124.csv", "c-1_20261125.csv.gz")] == [
        "20261124",
        "20261125",
    ]
    assert wildcard_value(files, "c-1_20261125.csv.zip") is None


def test_names_that_differ_in_one_number_only_are_one_kind():
    kinds = kinds_of("Abonnés 1 semaine 47.csv", "Abonnés 1 semaine 48.csv", "till1_9.csv", "till2_8.csv", "v2.csv")
    assert {kind.pattern: kind.newest.name for kind in kinds} == {
        "Abonnés 1 semaine *.csv": "Abonnés 1 semaine 48.csv",
        "till1_9.csv": "till1_9.csv",
        "till2_8.csv": "till2_8.csv",
        "v2.csv": "v2.csv",
    }
    (weeks, *_) = kinds
    assert weeks.goal_name == "abonnes_1_semaine"
    assert wildcard_value(weeks.files(""), "Abonnés 1 semaine 49.csv") == "49"


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [("", True), ("c_*.csv", True), ("c_*", True), ("c_*.csv*", True), ("c_*.csv.gz", True), ("d*", False)],
)
def test_a_name_with_wildcards_chooses_kinds(wanted, meant):
    assert kinds_of("c_20261124.csv")[0].is_meant_by(wanted) is meant


def test_a_goal_is_named_in_plain_letters():
    (kind,) = file_kinds([RemoteFile("in/x", "Größen_20261125.csv", 1, datetime(2026, 11, 25, tzinfo=UTC))])
    assert kind.goal_name == "groessen"


def test_goals_of_one_connection_have_different_names():
    names: list[str] = []
    for pattern in ("orders_*.csv", "orders_*.txt", "orders.txt", "orders.csv", "orders-csv"):
        names.append(free_name(FileKind(pattern, RemoteFile("x", "x", 1, datetime(2026, 1, 1, tzinfo=UTC))), names))
    assert names == ["orders", "orders_txt", "orders_txt_2", "orders_csv", "orders_csv_2"]


def test_no_kind_takes_the_files_of_another():
    kinds = kinds_of("clients_20261101.csv", "clients_changes_20261108.csv", "clients_changes_2026-11-15.csv.gz")
    files = {kind.pattern: kind.files("in") for kind in kinds}
    assert files["clients_*.csv"].root == r"clients_(\d[\d_T.-]*)\.csv"
    taken = {
        pattern: [name for kind in kinds for name in kind.names if wildcard_value(one, name)]
        for pattern, one in files.items()
    }
    assert taken == {kind.pattern: list(kind.names) for kind in kinds}
    assert wildcard_value(files["clients_*.csv"], "clients_20261101.csv") == "20261101"
    (alone,) = kinds_of("clients_20261101.csv", "clients_2026-11-08.csv")
    assert alone.files("in").root == "clients_*.csv"


def test_of_a_kind_the_newest_file_that_holds_something_tells():
    sizes = {"c_20261124.csv": 9, "c_20261125.csv": 0}
    days = enumerate(sizes, start=1)
    files = [RemoteFile(name, name, sizes[name], datetime(2026, 1, day, tzinfo=UTC)) for day, name in days]
    (kind,) = file_kinds(files)
    assert (kind.newest.name, kind.empty) == ("c_20261124.csv", ("c_20261125.csv",))
    assert set(kind.names) == set(sizes)
