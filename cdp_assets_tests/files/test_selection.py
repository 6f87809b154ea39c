import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_assets.config.files import Files
from cdp_assets.errors import FileError
from cdp_assets.files.selection import natural_key, partition_key, root_without, short_key, why_not, wildcard_value


@pytest.mark.parametrize(
    ("root", "name", "value"),
    [
        ("example_course_20*.csv", "example_course_20244.csv", "244"),
        ("customers_*.csv", "customers_2024-01-01.csv", "2024-01-01"),
        ("customers_*.csv", "customers_2024-01-01.csv.gz", None),
        ("customers_*.csv", "Customers_2024-01-01.csv", None),
        ("customers_*.csv", "old_customers_1.csv", None),
        ("*_eu_????.csv", "orders_eu_2024.csv", "orders_2024"),
        ("a*b?c.csv", "axxbyc.csv", "xx_y"),
        ("a?*.csv", "a1.csv", "1"),
        ("a?*.csv", "a.csv", None),
        ("customers*.csv", "customers.csv", "customers"),
        ("a[1]*.csv", "a[1]x.csv", "x"),
        ("a[1]*.csv", "a1x.csv", None),
        ("a.b*", "aXb1", None),
        ("*", "any\nthing", "any\nthing"),
        ("orders.csv", "orders.csv", ""),
        ("orders.csv", "ORDERS.csv", None),
    ],
)
def test_names_and_the_partitions_they_stand_for(root, name, value):
    assert wildcard_value(Files(root=root), name) == value


@pytest.mark.parametrize(
    ("root", "name", "value"),
    [
        (r"orders_(\d+)\.csv", "orders_12.csv", "12"),
        (r"orders_(\d+)\.csv", "orders_12.csv.gz", None),
        (r"(\w+)-(\d+)\.csv", "eu-12.csv", "eu_12"),
        (r"(eu)?-?(\d+)\.csv", "12.csv", "12"),
        (r"orders_\d+\.csv(?:\.gz)?", "orders_12.csv.gz", "orders_12"),
    ],
)
def test_regular_expressions_match_whole_names_and_their_groups_are_the_partition(root, name, value):
    assert wildcard_value(Files(root=root, match="regex"), name) == value


@pytest.mark.parametrize(
    ("root", "name", "key"),
    [
        ("kunden_*.csv*", "kunden_2026-11-24.csv", "2026-11-24"),
        ("kunden_*.csv*", "kunden_2026-11-24.csv.gz", "2026-11-24 | .gz"),
        ("kunden_*.csv*", "kunden_eu_2026.csv", "eu_2026"),
        ("kunden_*.csv*", "kunden_eu.csv2026", "eu | 2026"),
        ("kunden_*.csv*", "kunden_eu_2026.csv.gz", "eu_2026 | .gz"),
        ("kunden_*.csv*", "kunden_.csv.gz", " | .gz"),
        ("kunden_*.csv*", "kunden_.csv", "kunden_"),
        ("kunden*.csv*", "kunden.csv", "kunden"),
        ("kunden*.csv*", "kundenkunden.csv", "kunden | "),
        ("my_k*.csv*", "my_k.csv", "my_k"),
        ("kunden_*.csv.gz*", "kunden_24.csv.gz", "24"),
        ("*_eu_*.csv*", "orders_eu_2024.csv", "orders_2024"),
        ("*_eu_????.csv", "orders_eu_2024.csv", "orders_2024"),
        ("a*-*", "a24-", "24"),
        ("a*-*", "a2_4-", "2_4 | "),
        ("a*-*", "a2-4", "2_4"),
        ("a*-*", "a-4", " | 4"),
        ("o_*.csv", "o_24 | .csv", "24 | "),
    ],
)
def test_a_last_text_that_is_empty_is_not_seen_in_a_key(root, name, key):
    files = Files(root=root)
    assert short_key(files, wildcard_value(files, name)) == key


def test_values_of_regular_expressions_are_seen_as_they_are():
    files = Files(root=r"k_(.*)\.csv(.*)", match="regex")
    assert short_key(files, wildcard_value(files, "k_24.csv")) == "24 | "


@given(
    st.sampled_from(["a*.b*", "*.b*", "a_*.b*", "a*b*", "a*_*", "a*a*b*", "*.b*_", "*.*", "a*.b.b*", "a*.1*"]),
    st.lists(st.text("ab._| 1", min_size=1, max_size=9), min_size=2, max_size=9),
)
def test_names_that_differ_in_value_differ_in_the_key_that_is_seen(root, texts):
    files = Files(root=root, match="wildcard")
    filled = {root.replace("*", text, 1).replace("*", other, 1) for text in texts for other in (*texts, "")}
    names = {name.replace("*", "") for name in filled} | set(texts)
    values = {value for name in names if (value := wildcard_value(files, name)) is not None}
    assert len({short_key(files, value) for value in values}) == len(values)


@pytest.mark.parametrize("name", ["", "a.csv.done", "a.part", ".a.csv", ".a.csv.part", "."])
@pytest.mark.parametrize("files", [Files(root="*"), Files(root=".*", match="regex")])
def test_some_names_are_never_taken_and_the_reason_is_told(files, name):
    assert wildcard_value(files, name) is None
    assert why_not(files, name)


def test_an_exact_name_is_not_taken_either_when_it_is_done():
    assert wildcard_value(Files(root="a.done"), "a.done") is None


def test_the_reason_names_the_pattern():
    assert why_not(Files(root="a*.csv"), "b.csv") == "it does not match the wildcard name 'a*.csv'"
    assert why_not(Files(root="a*.csv"), "ab.csv") is None


def test_a_broken_regular_expression_is_told_when_the_yaml_is_read():
    with pytest.raises(ValueError, match="no valid regular expression"):
        Files(root="(", match="regex")


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "\x7f", "\x85", "a...b", ".", "..", "a\udcffb", "a/b", "x" * 256])
def test_a_partition_key_that_can_be_no_folder_or_key_is_refused(value):
    with pytest.raises(FileError, match="rename the file"):
        partition_key(Files(root="o_*.csv"), f"o_{value}.csv")


@pytest.mark.parametrize("value", ["2024", "a b", "caf\u00e9", "a..b", "\\", "\U0001f600", "-x"])
def test_other_values_are_partition_keys(value):
    assert partition_key(Files(root="o_*.csv"), f"o_{value}.csv") == value


def test_a_name_that_does_not_match_has_no_partition_key():
    assert partition_key(Files(root="o_*.csv"), "x\n.csv") is None
    assert partition_key(Files(root="o.csv"), "o.csv") == ""


def matches(pattern, name):
    """The wildcard rule in plain words, one sign at a time."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return matches(pattern[1:], name) or (bool(name) and matches(pattern, name[1:]))
    return bool(name) and pattern[0] in {"?", name[0]} and matches(pattern[1:], name[1:])


@given(st.text("ab.*?[\n", min_size=1, max_size=8), st.text("ab.[\n", min_size=1, max_size=8))
def test_wildcards_match_as_the_plain_rule_says(root, name):
    taken = wildcard_value(Files(root=root, match="wildcard"), name) is not None
    assert taken == (matches(root, name) and not name.startswith("."))


@given(st.text("xyz_", max_size=4), st.text("0123abc-", min_size=1, max_size=9), st.sampled_from(["", ".csv"]))
def test_a_wildcard_gives_back_what_was_put_in_its_place(before, value, after):
    assert wildcard_value(Files(root=f"{before}*{after}"), f"{before}{value}{after}") == value


names = st.text(st.sampled_from("0129ab._-\u00e9\u0663\u00b2"), max_size=8)


@given(names, names, names)
def test_natural_order_is_total_and_tells_every_two_names_apart(first, second, third):
    a, b, c = natural_key(first), natural_key(second), natural_key(third)
    assert (a < b) + (b < a) + (first == second) == 1
    assert not (a < b and b < c) or a < c


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.text("ab_", max_size=3), st.text("ab.", max_size=3))
def test_numbers_in_names_sort_by_size(low, high, before, after):
    keys = [natural_key(f"{before}{number}{after}") for number in (low, high)]
    assert (keys[0] < keys[1]) == (low < high)


@given(st.lists(names))
def test_the_order_does_not_depend_on_the_order_of_listing(listed):
    backwards = listed[::-1]
    assert sorted(listed, key=natural_key) == sorted(backwards, key=natural_key)


def test_natural_order_by_example():
    in_order = ["day1.csv", "day01.csv", "day2.csv", "day10.csv", "day10b.csv", "month.csv"]
    shuffled = sorted(in_order, key=lambda name: re.sub(r"\d", "", name))
    assert sorted(shuffled, key=natural_key) == ["day01.csv", "day1.csv", *in_order[2:]]


def test_two_names_share_no_partition_by_accident():
    files = Files(root="*-*.csv")
    names = ["a_b-c.csv", "a-b_c.csv", "-a.csv", "a-.csv", "a-b.csv"]
    assert len({wildcard_value(files, name) for name in names}) == len(names)
    assert wildcard_value(files, "eu-7.csv") == "eu_7"


@pytest.mark.parametrize("root", ["a*.csv", "ab.csv", "a(.*)[.]csv"])
def test_case_is_spoken_of_where_it_is_all_that_differs(root):
    files = Files(root=root, match="regex" if "(" in root else "auto")
    assert why_not(files, "AB.csv").endswith("; only upper and lower case differ")
    assert "case" not in why_not(files, "xb.csv")


@pytest.mark.parametrize("files", [Files(root="c_*.csv"), Files(root=r"c_(.*)\.csv", match="regex")])
def test_a_root_without_some_names_takes_the_others_under_the_same_keys(files):
    rest = Files(root=root_without(files, ["c_1.csv", "c_2.csv"]), match="regex")
    names = ["c_1.csv", "c_2.csv", "c_12.csv", "c_1.csv.csv", "xc_3.csv"]
    assert [wildcard_value(rest, name) for name in names] == [None, None, "12", "1.csv", None]
    assert [wildcard_value(files, name) for name in names[2:]] == ["12", "1.csv", None]
