import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cdp_assets.sample import Dirt, write_shop
from cdp_assets.sample.names import CITIES
from cdp_assets_tests.sample.recount import known_order_ids, read_rows, recount


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    return folder, write_shop(folder)


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def dict_rows(folder, path):
    header, *rows = read_rows(folder / path)
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


def test_the_same_arguments_give_the_same_bytes_and_times(tmp_path):
    write_shop(tmp_path / "one", customers=150)
    write_shop(tmp_path / "two", customers=150)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_writing_twice_into_one_folder_changes_nothing(tmp_path):
    write_shop(tmp_path, customers=50)
    before = contents(tmp_path)
    write_shop(tmp_path, customers=50)
    assert contents(tmp_path) == before


def test_another_seed_gives_other_people(tmp_path):
    write_shop(tmp_path / "one", customers=50)
    write_shop(tmp_path / "two", customers=50, seed=8)
    path = "in/customers_20261116.csv"
    assert contents(tmp_path / "one")[path] != contents(tmp_path / "two")[path]


@pytest.mark.parametrize("customers", [1, 2, 7, 400])
def test_a_shop_of_any_size_is_counted_right(tmp_path, customers):
    summary = write_shop(tmp_path, customers=customers)
    for file in summary.files:
        assert len(read_rows(tmp_path / file.path)) == file.rows + 1


def test_a_shop_without_customers_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs at least 1"):
        write_shop(tmp_path, customers=0)


def test_the_summary_names_every_file_and_its_rows(shop):
    folder, summary = shop
    assert {file.path for file in summary.files} == set(contents(folder))
    assert all(len(read_rows(folder / file.path)) == file.rows + 1 for file in summary.files)
    assert summary.rows == sum(file.rows for file in summary.files)


def test_the_dirt_is_what_an_independent_count_finds(shop):
    folder, summary = shop
    for file in summary.files:
        path = folder / file.path
        found = recount(path, known_order_ids(path))
        assert found == {kind.value: count for kind, count in file.dirt.items()}, file.path


def test_every_kind_of_dirt_occurs(shop):
    _, summary = shop
    assert set(summary.dirt) == set(Dirt)


def test_the_files_that_must_parse_do(shop):
    folder, summary = shop
    for file in summary.files:
        header, *rows = read_rows(folder / file.path)
        assert len(set(header)) == len(header) > 1
        too_wide = sum(len(row) != len(header) for row in rows)
        assert too_wide == file.dirt.get(Dirt.too_many_columns, 0)


def test_a_file_is_as_old_as_the_day_in_its_name(shop):
    folder, _ = shop
    for path in (folder / "in").glob("*_2026*.csv"):
        written_at = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        assert f"{written_at:%Y%m%d}" in path.name


def test_the_files_end_on_the_day_asked_for(tmp_path):
    write_shop(tmp_path, customers=20, today=date(2024, 2, 29))
    names = {path.name for path in (tmp_path / "in").iterdir()}
    assert {"customers_20240225.csv", "customers_20240229.csv", "loyalty_20240229.csv"} <= names


def test_about_one_customer_in_ten_is_a_big_spender(shop):
    folder, _ = shop
    spends = [row["Spend"].replace(",", ".") for row in dict_rows(folder, "in/customers_20261116.csv")]
    amounts = [Decimal(spend) for spend in spends if re.fullmatch(r"\d+\.\d\d", spend)]
    assert 0.08 < sum(amount >= 500 for amount in amounts) / len(spends) < 0.12


def test_the_total_of_an_order_is_the_sum_of_its_lines(shop):
    folder, _ = shop
    sums: dict[str, Decimal] = {}
    for row in dict_rows(folder, "in/order_lines_20261120.csv"):
        quantity = int(row["quantity"].removesuffix(" pcs"))
        order_id = row["order_id"].removesuffix("X")
        sums[order_id] = sums.get(order_id, Decimal(0)) + quantity * Decimal(row["price"])
    orders = dict_rows(folder, "in/orders_20261120.csv")
    assert {row["order_id"]: Decimal(row["total"]) for row in orders} == sums


def test_every_address_is_at_an_example_domain(shop):
    folder, _ = shop
    text = "\n".join(path.read_text() for path in folder.rglob("*.csv"))
    domains = re.findall(r"@([A-Za-z0-9.-]+)", text)
    assert domains
    assert {domain.lower() for domain in domains} == {"example.com", "example.org", "example.net"}


def test_every_telephone_number_is_from_a_range_for_fiction(shop):
    folder, _ = shop
    prefixes = tuple(city.phone.format("").replace(" ", "") for city in CITIES)
    rows = dict_rows(folder, "in/customers_20261116.csv")
    phones = [row["Phone"].replace(" ", "") for row in rows if row["Phone"]]
    assert len(phones) > 1_000
    assert all(phone.startswith(prefixes) for phone in phones)


def test_there_are_umlauts_and_empty_cells(shop):
    folder, _ = shop
    text = (folder / "in/customers_20261116.csv").read_text()
    assert "ü" in text
    assert ";;" in text
    assert not text.startswith("\ufeff")


def test_the_days_bring_new_customers_moves_and_more_spend(shop):
    folder, _ = shop
    before = {row["E-Mail"]: row for row in dict_rows(folder, "in/customers_20261116.csv")}
    changes = dict_rows(folder, "in/customers_20261120.csv")
    known = [row for row in changes if row["E-Mail"] in before]
    assert any(row["E-Mail"] not in before and row["First name"] for row in changes)
    assert any(row["City"] != before[row["E-Mail"]]["City"] for row in known)
    assert any(row["Spend"] for row in known)


def test_lists_in_the_drop_folder_are_json_unless_spoilt(shop):
    folder, summary = shop
    file = next(file for file in summary.files if file.path.startswith("klaviyo/profiles/"))
    cells = [row["Interests"] for row in dict_rows(folder, file.path) if row["Interests"]]
    whole = [json.loads(cell) for cell in cells if cell.endswith("]")]
    assert len(cells) - len(whole) == file.dirt[Dirt.broken_list]
