"""File sets on a real server: found, waited for, landed as a whole, renamed together."""

from __future__ import annotations

import gzip
import io
from datetime import timedelta

from rich.console import Console

from cdp_assets.assets.metadata import look_metadata
from cdp_assets.commands.preview_tables import print_files
from cdp_assets_tests.support.connected import WRITTEN, Shop, import_goal

COURSES = "id,email,city\n1,a@x.com,Rome\n2,b@x.com,Oslo\n"
LESSONS = "course,name\n1,intro\n2,other\n1,last\n"
LINK = {"name": "lessons", "file": "lessons_*.csv", "parent_column": "id", "column": "course"}
MAPPINGS = [{"column": "city", "property": "city"}, {"column": "lessons.name", "property": "tags", "rule": "add"}]


def shop_with(sshd, tmp_path, *links, mappings=MAPPINGS, **files):
    files = {"root": "example_course_20*.csv", "linked": list(links or [LINK])} | files
    return Shop(sshd, tmp_path, [import_goal("courses", files=files, mappings=mappings)])


def refusals(imported):
    return [item.error for item in imported.outcomes]


def test_vector_3_the_file_with_the_value_is_taken_and_else_the_one_that_contains_it(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("example_course_20244.csv", COURSES)
    shop.put("lessons_244.csv", LESSONS)
    shop.put("lessons_12440.csv", "course,name\n1,wrong\n")
    shop.import_all()
    assert shop.people("email, tags") == [("a@x.com", ["intro", "last"]), ("b@x.com", ["other"])]
    assert shop.names() == ["example_course_20244.csv.done", "lessons_12440.csv", "lessons_244.csv.done"]
    shop.put("example_course_20440.csv", COURSES)
    shop.import_all()
    assert shop.people("email, tags")[0] == ("a@x.com", ["intro", "last", "wrong"])
    assert "lessons_12440.csv.done" in shop.names()


def test_a_linked_file_that_comes_later_is_waited_for_and_then_the_set_is_imported_once(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, wait_for_linked_s=7_200)
    shop.put("example_course_20244.csv", COURSES)
    imported = shop.land()
    assert not imported.outcomes
    (waiting,) = [item for item in imported.look.passed_over if item.kind == "waits"]
    told = 'No linked file for "lessons_*.csv" with wildcard value "244" (root file example_course_20244.csv)'
    assert (waiting.name, waiting.reason) == ("example_course_20244.csv", f"waits: {told}")
    shop.put("lessons_244.csv", LESSONS)
    shop.import_all()
    assert shop.people("email, tags") == [("a@x.com", ["intro", "last"]), ("b@x.com", ["other"])]
    assert not shop.import_all()[0].outcomes


def test_a_linked_file_that_never_comes_is_an_error_of_its_set_only(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, wait_for_linked_s=5_400)
    shop.put("example_course_20244.csv", COURSES)
    assert not shop.land().outcomes
    shop.put("example_course_20245.csv", COURSES.replace("@x", "@y"))
    shop.put("lessons_245.csv", LESSONS)
    assert refusals(shop.land()) == [""]
    imported, _, _ = shop.import_all()
    told = 'No linked file for "lessons_*.csv" with wildcard value "244" (root file example_course_20244.csv)'
    assert refusals(imported) == [told]
    assert shop.rows("SELECT error FROM ops.attempts") == [(told,)]
    assert shop.names() == ["example_course_20244.csv", "example_course_20245.csv.done", "lessons_245.csv.done"]
    shop.put("lessons_244.csv", LESSONS)
    shop.import_all()
    assert len(shop.people()) == 4


def test_several_linked_files_that_fit_refuse_the_set(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("example_course_20244.csv", COURSES)
    shop.put("lessons_12440.csv", LESSONS)
    shop.put("lessons_2441.csv", LESSONS)
    told = (
        'Several linked files match "lessons_*.csv" for example_course_20244.csv: lessons_12440.csv, lessons_2441.csv'
    )
    assert refusals(shop.land()) == [told]
    assert not any(name.endswith(".done") for name in shop.names())


def test_a_static_file_serves_every_root_file_and_stays(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, LINK | {"file": "lessons.csv", "static": True})
    for number, host in ((1, "x"), (2, "y")):
        shop.put(f"example_course_20{number}.csv", COURSES.replace("@x", f"@{host}"))
    shop.put("lessons.csv", LESSONS)
    shop.import_all()
    assert [tags for (tags,) in shop.people("tags")] == [["intro", "last"], ["intro", "last"], ["other"], ["other"]]
    assert "lessons.csv" in shop.names()


def test_a_linked_file_that_was_corrected_makes_a_new_version_of_the_set(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, rename_done=False)
    shop.put("example_course_20244.csv", COURSES)
    shop.put("lessons_244.csv", LESSONS)
    shop.import_all()
    shop.put("lessons_244.csv", LESSONS.replace("other", "better"), written=WRITTEN + timedelta(hours=1))
    shop.import_all()
    assert shop.people("email, tags")[1] == ("b@x.com", ["other", "better"])
    assert not shop.land().outcomes


def test_a_corrected_linked_file_whose_root_is_done_waits_until_that_is_sent_again(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("example_course_20244.csv", COURSES)
    shop.put("lessons_244.csv", LESSONS)
    shop.import_all()
    mended = LESSONS.replace("other", "better")
    shop.put("lessons_244.csv", mended, written=WRITTEN + timedelta(hours=1))
    imported, _, _ = shop.import_all()
    assert not imported.outcomes
    (waiting,) = [item for item in imported.look.passed_over if item.kind == "waits"]
    told = (
        "waits: as a linked file it counts only with its root file example_course_20244.csv, which is .done by now:"
        " send that again too, with all its linked files"
    )
    assert (waiting.name, waiting.reason) == ("lessons_244.csv", told)
    assert look_metadata(imported.look, {})["files that wait"].value.records[0].data["for what"] == told
    console = Console(record=True, width=200, file=io.StringIO())
    print_files(console, shop.connection, imported.look)
    (line,) = [line for line in console.export_text().splitlines() if "lessons_244.csv " in line]
    assert line.split()[:4] == ["lessons_244.csv", "courses:", "waits:", "as"]
    shop.put("example_course_20244.csv", COURSES)
    imported, _, _ = shop.import_all()
    assert [item.kind for item in imported.look.passed_over if item.name == "lessons_244.csv"] == []
    assert shop.people("email, tags")[1] == ("b@x.com", ["other", "better"])


def test_a_linked_file_whose_root_file_has_not_come_waits_for_it(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("lessons_244.csv", LESSONS)
    shop.put("lessons_243.csv.done", LESSONS)
    shop.put("notes.csv", LESSONS)
    imported, _, _ = shop.import_all()
    told = "waits: as a linked file it counts only with its root file, which is not there"
    waiting = {item.name: item.reason for item in imported.look.passed_over if item.kind == "waits"}
    assert waiting == {"lessons_244.csv": told}
    shop.put("example_course_20244.csv", COURSES)
    imported, _, _ = shop.import_all()
    assert [item for item in imported.look.passed_over if item.kind == "waits"] == []
    assert len(shop.people()) == 2


def test_a_set_waits_for_the_senders_ready_files_and_a_wrong_checksum_refuses_it_until_it_is_put_right(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, ready={"file": "{name}.ok", "checksum": "optional"})
    shop.put("example_course_20244.csv", COURSES)
    shop.put("lessons_244.csv", LESSONS)
    shop.put("example_course_20244.csv.ok", "")
    assert not shop.land().outcomes
    shop.put("lessons_244.csv.ok", "")
    shop.put("lessons_244.csv.md5", "0" * 32)
    (told,) = refusals(shop.land())
    assert "lessons_244.csv is not the file its checksum stands for" in told
    (failed,) = shop.land().look.new()
    shop.dirs["in"].joinpath("lessons_244.csv.md5").unlink()
    imported, _, _ = shop.import_all()
    assert refusals(imported) == [""]
    assert imported.outcomes[0].landed.manifest.seen_id == failed.seen_id
    assert shop.people("email, tags")[0] == ("a@x.com", ["intro", "last"])
    assert "example_course_20244.csv.ok" in shop.names()


def test_a_packed_file_that_no_goal_takes_is_told_as_one_to_rename(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [import_goal(), import_goal("visits", files={"root": "visits_*.csv.gz"})])
    for name in ("customers_1.csv.gz", "visits_1.csv.gz", "visits_2.csv", "notes.txt.gz", "customers_2.csv.gz.done"):
        shop.put(name, b"")
    found = {(item.goal, item.name): (item.kind, item.reason) for item in shop.land().look.passed_over}
    why = "it does not match the wildcard name 'customers_*.csv', but for .gz: let `root` take both"
    kind, reason = found["customers", "customers_1.csv.gz"]
    assert (kind, reason.startswith(why)) == ("wrong name", True)
    assert {place for place, (kind, _) in found.items() if kind != "other"} == {("customers", "customers_1.csv.gz")}


def test_a_name_that_is_nearly_one_that_a_goal_takes_is_told(sshd, tmp_path):
    weeks = import_goal("weeks", files={"root": "week 47.csv", "delta": True})
    shop = Shop(sshd, tmp_path, [import_goal(), weeks])
    names = ("Customers_1.CSV", "customers_1.csv.txt", "week 48.csv", "week 4-8.csv", "weeks 48.csv", "notes.txt")
    for name in names:
        shop.put(name, b"")
    found = {item.name: (item.goal, item.reason) for item in shop.land().look.passed_over if item.kind != "other"}
    assert found.keys() == {"Customers_1.CSV", "customers_1.csv.txt", "week 48.csv"}
    assert "only upper and lower case differ" in found["Customers_1.CSV"][1]
    assert "but for .txt" in found["customers_1.csv.txt"][1]
    goal, reason = found["week 48.csv"]
    assert (goal, reason.partition("but for ")[2]) == ("weeks", "a number: root: 'week *.csv' takes both")


def test_a_linked_file_may_come_packed(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, LINK | {"file": "lessons_*.csv*"})
    for number, pack in ((244, gzip.compress), (245, bytes)):
        shop.put(f"example_course_20{number}.csv", COURSES.replace("@x", f"@{number}"))
        packed = ".gz" if pack is gzip.compress else ""
        shop.put(f"lessons_{number}.csv{packed}", pack(LESSONS.encode()))
    shop.import_all()
    assert [tags for _, tags in shop.people("email, tags")] == [["intro", "last"]] * 2 + [["other"]] * 2
    assert "lessons_244.csv.gz.done" in shop.names()


def test_a_root_file_that_comes_again_alone_says_which_file_must_come_too(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, wait_for_linked_s=7_200)
    for number in (244, 245):
        shop.put(f"example_course_20{number}.csv", COURSES.replace("@x", f"@{number}"))
        shop.put(f"lessons_{number}.csv", LESSONS)
    shop.import_all()
    shop.put("example_course_20244.csv", COURSES.replace("Rome", "Bern"))
    (waiting,) = [item for item in shop.land().look.passed_over if item.kind == "waits"]
    assert waiting.reason == (
        'waits: No linked file for "lessons_*.csv" with wildcard value "244" (root file example_course_20244.csv);'
        " lessons_244.csv was imported before: send it again too, unchanged or not"
    )


def test_a_goal_that_takes_nothing_in_a_folder_with_files_is_told(sshd, tmp_path):
    lost = import_goal("cards", files={"root": "card_([0-9]+)[.]csv", "match": "regex", "delta": True})
    shop = Shop(sshd, tmp_path, [import_goal(), lost])
    shop.put("customers_1.csv", "email,city,points,tags\na@x.com,Rome,1,\n")
    assert [item for item in shop.land().look.passed_over if item.kind != "other"] == []
    for name in ("cards_1.csv", "cards_2.csv", "old.csv.done"):
        shop.put(name, b"")
    (told,) = [item for item in shop.land().look.passed_over if item.kind != "other"]
    why = "it does not match the regex name 'card_([0-9]+)[.]csv', and no other file there does"
    assert (told.goal, told.name, told.kind, told.reason) == ("cards", "cards_1.csv", "wrong name", why)
    shop.put("card_3.csv.done", b"")
    assert [item for item in shop.land().look.passed_over if item.kind != "other"] == []
