"""Which linked files belong to a root file: test vector 3 of the specification and its neighbours."""

import pytest

from cdp_assets.config.files import Files
from cdp_assets.errors import FileError
from cdp_assets.files.linked import LinkedFileMissingError, find_linked, linked_to_done

ROOT = "example_course_20244.csv"


def files(pattern="lessons_*.csv", root="example_course_20*.csv", **settings):
    linked = {"name": "lessons", "file": pattern, "parent_column": "id", "column": "course"} | settings
    return Files(root=root, linked=[linked])


def test_vector_3_substitution_before_containment():
    names = [ROOT, "lessons_244.csv", "lessons_12440.csv"]
    assert find_linked(files(), ROOT, names) == {"lessons": "lessons_244.csv"}
    assert find_linked(files(), ROOT, [ROOT, "lessons_12440.csv"]) == {"lessons": "lessons_12440.csv"}


def test_no_file_names_pattern_value_and_root():
    with pytest.raises(LinkedFileMissingError) as found:
        find_linked(files(), ROOT, [ROOT, "lessons_999.csv"])
    assert str(found.value) == f'No linked file for "lessons_*.csv" with wildcard value "244" (root file {ROOT})'


def test_several_files_are_refused_and_named():
    with pytest.raises(FileError, match=r"Several linked files match .*lessons_12440\.csv, lessons_2440\.csv"):
        find_linked(files(), ROOT, [ROOT, "lessons_2440.csv", "lessons_12440.csv"])


def test_the_root_cannot_be_linked_to_itself():
    with pytest.raises(FileError, match="The root file cannot have the same filename"):
        find_linked(files("example_course_?.csv", root="example_course_*.csv"), ROOT, [ROOT])
    with pytest.raises(ValueError, match="The root file cannot have the same filename"):
        files("example_course_20*.csv")


def test_a_name_without_wildcard_needs_the_value_or_static():
    names = [ROOT, "lessons.csv", "lessons_244.csv"]
    assert find_linked(files("lessons_244.csv"), ROOT, names) == {"lessons": "lessons_244.csv"}
    with pytest.raises(FileError, match="does not contain the wildcard value"):
        find_linked(files("lessons.csv"), ROOT, names)
    assert find_linked(files("lessons.csv", static=True), ROOT, names) == {"lessons": "lessons.csv"}


def test_exact_names_need_no_value():
    assert find_linked(files("b.csv", root="a.csv"), "a.csv", ["a.csv", "b.csv"]) == {"lessons": "b.csv"}
    with pytest.raises(LinkedFileMissingError, match=r'No linked file "b\.csv"'):
        find_linked(files("b.csv", root="a.csv"), "a.csv", ["a.csv"])


def test_several_values_fill_several_wildcards_in_order():
    found = find_linked(
        files("*_lines_*.csv", root="*_orders_*.csv"), "eu_orders_7.csv", ["eu_lines_7.csv", "us_lines_7.csv"]
    )
    assert found == {"lessons": "eu_lines_7.csv"}


def test_a_linked_file_knows_its_root_that_is_done_and_did_not_come_again():
    there = {"lessons_244.csv", "lessons_12440.csv", "lessons_245.csv", "lessons_246.csv", "example_course_20246.csv"}
    done = {f"example_course_20{number}.csv.done" for number in (244, 246)}
    assert linked_to_done(files(), there | done) == {"lessons_244.csv": "example_course_20244.csv"}
    assert linked_to_done(files("shops.csv", static=True), {"shops.csv"} | done) == {}
    assert linked_to_done(files("lessons.csv", root="courses.csv"), {"lessons.csv", "courses.csv.done"}) == {
        "lessons.csv": "courses.csv"
    }
