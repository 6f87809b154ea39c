"""What rows of linked files do to the profile of their root row."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from cdp_assets.config.goals import ImportProfilesGoal
from cdp_assets.errors import FileError
from cdp_assets_tests.flows.test_fold import goal, people
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "city"},
    {"name": "last_shop"},
    {"name": "first_shop"},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "orders", "type": "number"},
    {"name": "skus", "multiple": True},
    {"name": "bought_at", "type": "datetime", "multiple": True},
]
ORDERS = {"name": "orders", "file": "orders_*.csv", "parent_column": "id", "column": "customer"}
LINES = {"name": "lines", "file": "lines_*.csv", "parent": "orders", "parent_column": "no", "column": "order"}
MAPPINGS = [
    {"column": "orders.shop", "property": "last_shop"},
    {"column": "orders.shop", "property": "first_shop", "rule": "set_if_empty"},
    {"column": "lines.amount", "property": "spend", "rule": "sum"},
    {"column": "lines.sku", "property": "skus", "rule": "add"},
]
CUSTOMERS = "id,email\n1,a@x.com\n2,b@x.com\n,c@x.com\n"
ORDER_ROWS = "no,customer,shop\n10,1,Rome\n11,1,Oslo\n12,2,Kiel\n13,9,lost\n14,,lost\n"
LINE_ROWS = "order,sku,amount\n11,s2,2.50\n10,s1,1.25\n10,s2,\n12,s3,4\n99,s9,9\n"
FILES = {"orders": ("orders_1.csv", ORDER_ROWS), "lines": ("lines_1.csv", LINE_ROWS)}


def linked_goal(*links, mappings=MAPPINGS, files=None, **settings):
    return goal(mappings=mappings, files={"linked": list(links or (ORDERS, LINES))} | (files or {}), **settings)


def lab(tmp_path, *goals):
    return Lab(tmp_path, deployment(PROPERTIES, list(goals) or [linked_goal()]))


def land(room, content=CUSTOMERS, linked=None, **settings):
    return room.land("customers", "customers_1.csv", content, linked=FILES if linked is None else linked, **settings)


def test_two_levels_last_first_sum_and_add_in_file_order(tmp_path):
    room = lab(tmp_path)
    manifest = land(room).manifest
    room.fold()
    assert people(room, "email, last_shop, first_shop, spend, skus") == [
        ("a@x.com", "Oslo", "Rome", Decimal("3.75"), ["s2", "s1"]),
        ("b@x.com", "Kiel", "Kiel", Decimal("4.00"), ["s3"]),
        ("c@x.com", None, None, None, None),
    ]
    assert [(part.alias, part.rows, part.rows_rejected, part.orphan_rows) for part in manifest.parts] == [
        ("orders", 5, 0, 2),
        ("lines", 5, 0, 1),
    ]
    assert room.rows("SELECT rows_received, linked_rows, orphan_rows FROM ops.batches") == [(3, 10, 3)]


def test_keys_join_as_trimmed_text_and_blanks_are_no_key(tmp_path):
    room = lab(tmp_path)
    orders = 'no,customer,shop\n10,  1 ,Rome\n11,"2",Kiel\n12,01,lost\n13,  ,lost\n'
    manifest = land(room, linked=FILES | {"orders": ("orders_1.csv", orders)}).manifest
    room.fold()
    assert people(room, "email, last_shop") == [("a@x.com", "Rome"), ("b@x.com", "Kiel"), ("c@x.com", None)]
    assert manifest.parts[0].orphan_rows == 2


def test_a_linked_row_counts_once_for_a_root_row_however_its_parents_repeat(tmp_path):
    room = lab(tmp_path)
    orders = "no,customer,shop\n10,1,Rome\n10,1,Rome\n"
    land(room, linked=FILES | {"orders": ("orders_1.csv", orders)})
    room.fold()
    assert people(room, "email, spend")[0] == ("a@x.com", Decimal("1.25"))


def test_the_careful_way_gives_the_same_as_the_fast_one(tmp_path):
    plain, careful = lab(tmp_path / "plain"), lab(tmp_path / "careful")
    land(plain)
    crlf = {alias: (name, text.replace("\n", "\r\n")) for alias, (name, text) in FILES.items()}
    land(careful, CUSTOMERS.replace("\n", "\r\n"), crlf)
    plain.fold()
    careful.fold()
    assert people(plain, "email, last_shop, spend, skus") == people(careful, "email, last_shop, spend, skus")


def test_a_linked_row_that_cannot_be_read_is_kept_under_its_own_file(tmp_path):
    room = lab(tmp_path)
    lines = LINE_ROWS + '12,"open\n12,s4,1,too many\n'
    manifest = land(room, linked=FILES | {"lines": ("lines_1.csv", lines)}).manifest
    room.fold()
    assert (manifest.rows_rejected, manifest.parts[1].rows_rejected) == (0, 2)
    assert room.rows("SELECT file, level, line_no, raw_text FROM ops.rejects ORDER BY line_no") == [
        ("lines_1.csv", "linked row", 7, '12,"open'),
        ("lines_1.csv", "linked row", 8, "12,s4,1,too many"),
    ]


def test_a_linked_cell_of_the_wrong_type_is_a_cell_reject_and_the_others_count(tmp_path):
    room = lab(tmp_path)
    lines = "order,sku,amount\n10,s1,1\n10,s2,many\n11,s3,2\n"
    land(room, linked=FILES | {"lines": ("lines_1.csv", lines)})
    room.fold()
    assert people(room, "email, spend")[0] == ("a@x.com", Decimal("3.00"))
    assert room.rows("SELECT level, line_no, column_name, raw_text FROM ops.rejects") == [
        ("cell", 2, "lines.amount", "1 | many | 2")
    ]


def test_a_linked_file_has_its_own_processors_and_joins_as_it_stands(tmp_path):
    processors = [
        {"filter": {"field": "sku", "pattern": "^s[12]$"}},
        {"casing": {"fields": ["sku", "order"], "to": "upper"}},
        {"fixed_value": {"field": "one", "value": "1"}},
    ]
    mappings = [*MAPPINGS, {"column": "lines.one", "property": "orders", "rule": "sum"}]
    room = lab(tmp_path, linked_goal(ORDERS, LINES | {"processors": processors}, mappings=mappings))
    orders = ORDER_ROWS.replace("10,", "x,")
    lines = LINE_ROWS.replace("10,", "x,")
    manifest = land(room, linked={"orders": ("orders_1.csv", orders), "lines": ("lines_1.csv", lines)}).manifest
    room.fold()
    assert people(room, "email, skus, orders")[:2] == [("a@x.com", ["S2", "S1"], 3), ("b@x.com", None, None)]
    assert manifest.parts[1].orphan_rows == 1


def test_dates_of_linked_rows_are_read_in_the_format_of_their_column(tmp_path):
    mappings = [{"column": "orders.at", "property": "bought_at", "rule": "add"}]
    room = lab(tmp_path, linked_goal(ORDERS, mappings=mappings))
    orders = "no,customer,at\n1,1,03/04/2021\n2,1,25/04/2021\n"
    land(room, linked={"orders": ("orders_1.csv", orders)})
    room.fold()
    found = "list_transform(bought_at, lambda d: strftime(d AT TIME ZONE 'UTC', '%Y-%m-%d'))"
    assert people(room, f"email, {found}")[0] == ("a@x.com", ["2021-04-03", "2021-04-25"])


def test_the_same_root_with_other_linked_bytes_is_a_further_version_and_equal_bytes_are_not(tmp_path):
    room = lab(tmp_path, linked_goal(files={"delta": True}))
    first = land(room).manifest
    again = land(room, look_at=EPOCH + timedelta(hours=1))
    assert not again.is_new
    more = FILES | {"lines": ("lines_1.csv", LINE_ROWS.replace("1.25", "1.50"))}
    other = land(room, linked=more, look_at=EPOCH + timedelta(hours=2)).manifest
    assert other.version_id != first.version_id
    assert other.sha256 != first.sha256
    room.fold()
    assert people(room, "email, spend")[0] == ("a@x.com", Decimal("7.75"))


def test_a_static_file_makes_no_version_of_its_own(tmp_path):
    room = lab(tmp_path, linked_goal(ORDERS | {"static": True, "file": "orders.csv"}, mappings=MAPPINGS[:1]))
    land(room, linked={"orders": ("orders.csv", ORDER_ROWS)})
    again = land(room, linked={"orders": ("orders.csv", ORDER_ROWS.replace("Oslo", "Bonn"))})
    assert not again.is_new


def test_of_a_full_file_only_rows_whose_linked_rows_changed_apply(tmp_path):
    room = lab(tmp_path, linked_goal(files={"delta": False}))
    land(room)
    room.fold()
    more = FILES | {"lines": ("lines_1.csv", LINE_ROWS.replace("12,s3,4", "12,s3,5"))}
    land(room, linked=more, look_at=EPOCH + timedelta(hours=1))
    (batch,) = room.fold().folded
    assert (batch["rows_modified"], batch["rows_unchanged"]) == (1, 2)
    assert people(room, "email, spend")[:2] == [("a@x.com", Decimal("3.75")), ("b@x.com", Decimal("9.00"))]


def test_landing_anew_uses_the_kept_linked_files(tmp_path):
    room = lab(tmp_path, linked_goal(mappings=MAPPINGS[:2]))
    land(room)
    room.fold()
    room.deployment = deployment(PROPERTIES, [linked_goal()])
    (landed,) = room.reland("customers")
    assert landed.is_new
    room.fold()
    assert people(room, "email, spend")[:2] == [("a@x.com", Decimal("3.75")), ("b@x.com", Decimal("4.00"))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": ("orders_1.csv", "no,shop\n1,x\n")}, 'Column "customer" not found in linked file orders_1.csv'),
        ({"lines": ("lines_1.csv", "")}, "linked file lines_1.csv: the file is empty"),
    ],
)
def test_a_linked_file_that_cannot_be_joined_refuses_the_set_and_is_named(tmp_path, change, message):
    with pytest.raises(FileError, match=message):
        land(lab(tmp_path), linked=FILES | change)


def test_a_parent_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match='Column "id" not found in the root file'):
        land(lab(tmp_path), "no,email\n1,a@x.com\n")


def test_a_column_that_could_be_either_files_is_refused(tmp_path):
    with pytest.raises(FileError, match=r'column "orders\.shop" stands in the root file and in linked file'):
        land(lab(tmp_path), "id,email,orders.shop\n1,a@x.com,Rome\n")


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ([ORDERS, ORDERS], "two linked files are called 'orders'"),
        ([LINES, ORDERS], "its parent 'orders' is not listed before it"),
        ([ORDERS | {"file": "customers_*.csv"}], "The root file cannot have the same filename"),
        ([ORDERS | {"file": "in/orders.csv"}], "file is a file name without a folder"),
    ],
)
def test_links_that_cannot_hold_are_refused(links, message):
    with pytest.raises(ValueError, match=message):
        ImportProfilesGoal.model_validate(linked_goal(*links))
