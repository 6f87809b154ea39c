"""What a preview finds in the files of a goal, and that it leaves no trace."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zipfile
from datetime import timedelta

import pytest

from cdp_assets.errors import ConfigError
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.folders import look_folder, staging_folder
from cdp_assets.flows.preview_files import Asked, preview_goals
from cdp_assets_tests.support.connected import WRITTEN, Shop, import_goal
from cdp_assets_tests.support.previewed import CUSTOMERS, EncryptedShop, everything

ROWS = "email,city,points,tags\n" + "".join(f"u{n}@example.com,city {n},{n},a|b\n" for n in range(200_000))


@pytest.fixture
def sealed(sshd, tmp_path, ring, key):
    return EncryptedShop(sshd, tmp_path, ring, key)


@pytest.fixture
def plain(sshd, tmp_path):
    return Shop(sshd, tmp_path / "data", [import_goal()])


def preview(shop, **asked):
    with open_server(shop.connection.server) as server:
        return preview_goals(
            shop.deployment, shop.connection, shop.connection.imports, server, shop.folders, shop.now, Asked(**asked)
        )


def of_the_one_goal(shop, **asked):
    _, (found,) = preview(shop, **asked)
    return found


def test_an_encrypted_set_is_read_as_a_landing_would(sealed):
    sealed.put_delivery()
    found = of_the_one_goal(sealed)
    seen = found.seen
    assert [(file.alias, file.layers, file.whole) for file in found.files] == [
        ("", ("pgp", "gzip"), True),
        ("orders", ("pgp",), True),
    ]
    assert {profile.name: profile.looks_like for profile in seen.columns} == {
        "Id": "number",
        "E-Mail": "text",
        "City": "text",
        "Spend": "text",
        "Phone": "text; digits with leading zeros",
        "Born": "datetime DD-MM-YYYY",
        "Tags": "text, several values",
        "orders.Customer": "number",
        "orders.Amount": "number",
        "orders.When": "datetime YYYY-MM-DD",
    }
    assert seen.before.lines == (2, 3, 4, 5, 6)
    assert seen.before.rows[0] == tuple(CUSTOMERS.splitlines()[1].split(";"))
    assert (seen.dropped, seen.rows_filtered, seen.rows_read) == ((5,), 1, 5)
    assert seen.after.rows[0][2] == "DELFT"
    assert seen.after.rows[0][-2:] == (["10", "20"], ["2024-01-05", "2024-02-05"])
    assert seen.linked == {"orders": {"rows": 4, "rows_rejected": 0, "orphan_rows": 1}}
    assert seen.mapped.values.columns == ("email", "city", "points")
    assert seen.mapped.values.rows[:2] == (("anna@example.com", "DELFT", "30"), ("bert@example.com", "BREDA", "5"))
    assert [(item.line_no, item.column_name, item.raw_text) for item in seen.refused.first] == [
        (4, "E-Mail", "not an address")
    ]
    assert (seen.missing, seen.problems) == (("Gone",), ())
    assert seen.unmapped == ("Id", "Spend", "Phone", "Born", "Tags", "orders.When")


def test_nothing_is_written_here_or_there(sealed):
    sealed.put_delivery()
    sealed.import_all()
    sealed.put_delivery(2)
    sealed.put("other.txt", "x")
    here, there = everything(sealed.folders.root), everything(sealed.remote)
    preview(sealed)
    assert everything(sealed.folders.root) == here
    assert everything(sealed.remote) == there
    assert list(sealed.folders.staging.iterdir()) == []


def test_a_look_before_anything_was_imported_leaves_nothing(sealed):
    sealed.put_delivery()
    shutil.rmtree(sealed.folders.root, ignore_errors=True)
    preview(sealed)
    assert not sealed.folders.root.exists()
    sealed.folders.root.mkdir()
    preview(sealed)
    assert everything(sealed.folders.root) == {}
    assert list(sealed.folders.root.iterdir()) == []


def test_what_others_stage_beside_a_look_stays(sealed):
    sealed.put_delivery()
    with look_folder(sealed.folders), staging_folder(sealed.folders) as other:
        (other / "theirs").touch()
        preview(sealed)
        with look_folder(sealed.folders):
            assert (other / "theirs").exists()
    assert not sealed.folders.root.exists()


def test_an_import_after_a_preview_is_the_import_without_one(sealed):
    sealed.put_delivery()
    preview(sealed)
    imported, _, _ = sealed.import_all()
    assert [outcome.error for outcome in imported.outcomes] == [""]
    assert [row[0] for row in sealed.people()] == ["anna@example.com", "bert@example.com"]


def test_rows_of_known_profiles_are_told_with_their_ids(sealed):
    sealed.put_delivery()
    sealed.import_all()
    sealed.put_delivery(2, CUSTOMERS.replace("bert@", "dora@"))
    found = of_the_one_goal(sealed)
    ids = dict(sealed.rows("SELECT email, profile_id::VARCHAR FROM main.profiles"))
    assert found.matches.profiles == {"anna@example.com": ids["anna@example.com"]}
    assert (found.matches.rows_known, found.matches.rows_new) == (1, 1)
    assert found.matches.as_of is not None


def test_without_a_warehouse_there_is_nobody_to_match(plain):
    plain.put("customers_1.csv", ROWS[:1000])
    found = of_the_one_goal(plain)
    assert "nothing was imported and published yet" in found.told_matches


def test_the_newest_file_not_imported_yet_is_chosen_else_the_newest(plain):
    plain._goals = [import_goal(files={"rename_done": False})]
    for number in (1, 2, 3):
        plain.put(f"customers_{number}.csv", ROWS[:1000], written=WRITTEN + timedelta(hours=number))
    assert of_the_one_goal(plain).chosen.file.name == "customers_3.csv"
    plain.land()
    assert of_the_one_goal(plain).chosen.file.name == "customers_3.csv"
    plain.put("customers_4.csv", ROWS[:500], written=WRITTEN)
    assert of_the_one_goal(plain).chosen.file.name == "customers_4.csv"
    assert of_the_one_goal(plain, name="customers_1.csv").chosen.file.name == "customers_1.csv"


def test_a_name_that_is_not_there_or_waits_is_told(sealed):
    sealed.put_sealed("customers_7.csv.gz.pgp", CUSTOMERS, packed=True)
    with pytest.raises(ConfigError, match=r"no file nope for shop; there are: \(none\)"):
        preview(sealed, name="nope")
    with pytest.raises(ConfigError, match=r"customers_7\.csv\.gz\.pgp cannot be looked at: waits: No linked file"):
        preview(sealed, name="customers_7.csv.gz.pgp")
    look, (found,) = preview(sealed)
    assert (found.chosen, found.problem) == (None, "no file on the server is for this goal")
    assert [item.kind for item in look.passed_over] == ["waits"]


def test_only_the_beginning_of_a_large_file_is_read_and_that_is_said(plain):
    plain.put("customers_1.csv", ROWS)
    found = of_the_one_goal(plain)
    (file,) = found.files
    assert file.read_bytes == 4 << 20
    assert file.note.startswith("beginning only (4.0 MiB of ")
    assert 80_000 < found.seen.rows_read < 200_000
    assert (found.seen.refused.rows, found.seen.problems) == (0, ())
    assert found.matches.rows_new == 100_000


@pytest.mark.parametrize("packed", [False, True])
def test_the_beginning_of_a_large_encrypted_file_is_read_and_that_is_said(sealed, packed):
    # Digits that do not pack well.
    lines = [f"{n};u{n}@example.com;{hashlib.sha256(str(n).encode()).hexdigest()};1;;;" for n in range(150_000)]
    text = "\n".join([CUSTOMERS.splitlines()[0], *lines])
    content = gzip.compress(text.encode(), 1) if packed else text.encode()
    sealed.put(
        "customers_1.csv.gz.pgp", sealed.ring.encrypted(content, sealed.key, options=("--compress-algo", "none"))
    )
    sealed.put_sealed("orders_1.csv", "Customer;Amount;When\n7;3;\n")
    found = of_the_one_goal(sealed)
    assert found.files[0].note.endswith("integrity and signature not checked yet")
    assert found.files[0].layers == (("pgp", "gzip") if packed else ("pgp",))
    assert found.seen.rows_read > 40_000
    assert found.seen.refused.rows == 0
    assert found.seen.mapped.values.rows[7][2] == "3"


def test_a_large_zip_file_is_fetched_whole(plain, tmp_path):
    plain._goals = [import_goal(files={"root": "customers_*"})]
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.csv", ROWS)
    plain.put("customers_1.zip", (tmp_path / "z").read_bytes())
    (file,) = of_the_one_goal(plain).files
    assert (file.layers, file.whole) == (("zip",), True)


def test_a_file_that_is_not_what_its_checksum_stands_for_is_told(plain):
    plain._goals = [import_goal(files={"ready": {"checksum": "optional"}})]
    plain.put("customers_1.csv", ROWS[:1000])
    plain.put("customers_1.csv.sha256", "0" * 64, written=WRITTEN + timedelta(seconds=5))
    assert "is not the file its checksum stands for" in of_the_one_goal(plain).problem


def test_a_file_that_is_not_encrypted_is_told(sealed):
    sealed.put("customers_1.csv.gz.pgp", CUSTOMERS)
    sealed.put_sealed("orders_1.csv", "Customer;Amount\n")
    found = of_the_one_goal(sealed)
    assert (found.problem, found.seen) == ("File is not PGP encrypted: customers_1.csv.gz.pgp", None)


def test_a_file_without_its_identifier_still_shows_its_columns(plain):
    plain.put("customers_1.csv", "mail,city\na@example.com,Delft\n")
    seen = of_the_one_goal(plain).seen
    assert [profile.looks_like for profile in seen.columns] == ["email", "text"]
    assert seen.problems == ('Column "email" not found; the file has: mail, city; did you mean mail?',)
    assert seen.missing == ("email", "points", "tags")


def test_a_processor_that_fails_still_shows_the_columns(plain):
    plain._goals = [import_goal(processors=[{"casing": {"fields": ["nope"], "to": "upper"}}])]
    plain.put("customers_1.csv", ROWS[:1000])
    seen = of_the_one_goal(plain).seen
    assert len(seen.columns) == 4
    assert seen.problems == ('Processor 1 (casing): field "nope" not found',)
    assert seen.after.rows == ()


def test_a_linked_file_that_cannot_join_still_shows_the_root(sealed):
    sealed.put_delivery(orders="Buyer;Amount\n1;2\n")
    seen = of_the_one_goal(sealed).seen
    assert seen.problems == ('Column "Customer" not found in linked file orders_1.csv; it has: Buyer, Amount',)
    assert seen.mapped.values.rows[0] == ("anna@example.com", "DELFT")


def test_unreadable_rows_and_bad_cells_are_shown_with_line_and_reason(plain):
    plain.put("customers_1.csv", 'email,city,points,tags\na@example.com,"x"y,1,\nb@example.com,x,many,\n')
    refused = of_the_one_goal(plain).seen.refused
    assert (refused.rows, refused.cells) == (1, 1)
    assert [(item.level, item.line_no, item.reason) for item in refused.first] == [
        ("row", 2, "text after a closing quote"),
        ("cell", 3, "points: not a whole number, or too large"),
    ]


def test_rows_that_name_nobody_are_counted(plain):
    text = "email,city,points,tags\na@example.com,Rome,1,\n,Oslo,1,\n ,Oslo,1,\nno address,Oslo,1,\n"
    plain.put("customers_1.csv", text)
    found = of_the_one_goal(plain)
    assert (found.seen.mapped.no_identifier, found.seen.refused.rows) == (2, 1)
    assert found.told_matches.endswith("; no identifier: 2")
    plain.import_all()
    assert plain.rows("SELECT rows_no_identifier FROM ops.batches") == [(2,)]
    plain.put("customers_2.csv", "email,city,points,tags\na@example.com,Rome,1,\n")
    assert "no identifier" not in of_the_one_goal(plain).told_matches


def test_moments_are_shown_as_dates_where_none_of_the_sample_has_a_time(sshd, tmp_path):
    names = ("born", "seen")
    goal = import_goal(mappings=[{"column": name, "property": name} for name in names])
    properties = [{"name": "email", "type": "email"}, *({"name": name, "type": "datetime"} for name in names)]
    shop = Shop(sshd, tmp_path / "data", [goal], properties)
    rows = ["a@x.example,14-11-1978,2026-01-02", "b@x.example,,2026-01-03", "c@x.example,1-2-2001,2026-01-03 10:30"]
    shop.put("customers_1.csv", "\n".join(["email,born,seen", *rows]))
    # The row with a time is not among those shown.
    assert of_the_one_goal(shop, most_rows=2).seen.mapped.values.rows == (
        ("a@x.example", "1978-11-14", "2026-01-02 00:00:00+00"),
        ("b@x.example", None, "2026-01-03 00:00:00+00"),
    )


def test_days_that_would_become_moments_of_another_time_zone_are_warned_of(sshd, tmp_path):
    names = ("born", "joined", "seen")
    goal = import_goal(
        mappings=[{"column": name, "property": name} for name in names], format={"timezone": "Europe/Berlin"}
    )
    properties = [{"name": "email", "type": "email"}, *({"name": name, "type": "datetime"} for name in names)]
    properties[2]["whole_days"] = True
    shop = Shop(sshd, tmp_path / "data", [goal], properties)
    shop.put("customers_1.csv", "email,born,joined,seen\na@x.example,1980-05-01,2020-01-01,2026-01-02 10:30\n")
    (warning,) = of_the_one_goal(shop).seen.warnings
    assert warning.startswith("born has days without a time: each is read as midnight in Europe/Berlin")
    assert warning.endswith("whole_days: true on property born keeps the day")


def test_a_file_that_looks_like_utf_8_and_is_read_as_something_else_is_warned_of(plain):
    plain._goals = [import_goal(format={"encoding": "windows-1252"})]
    plain.put("customers_1.csv", "email,city,points,tags\na@example.com,Köln,1,\n")
    ((warning,),) = [file.warnings for file in of_the_one_goal(plain).files]
    assert warning.startswith("looks like UTF-8: 1 character outside ASCII")


def test_rows_with_fewer_cells_than_the_header_are_warned_of(plain):
    plain.put("customers_1.csv", "email,city,points,tags\na@example.com,Ede,1,\nb@example.com,Ede\nc@example.com\n")
    assert of_the_one_goal(plain).seen.warnings == (
        "2 rows have fewer cells than the header has (the first on line 3): the missing ones count as empty",
    )


def test_an_empty_file_is_a_problem_of_its_goal_only(plain):
    plain._goals = [import_goal(), import_goal("others")]
    plain.put("customers_1.csv", "")
    whole = ROWS[: ROWS.index("\n", 1000) + 1]
    plain.put("others_1.csv", whole)
    _, (first, second) = preview(plain)
    assert first.problem.startswith("the file is empty")
    assert (second.problem, second.seen.rows_read) == ("", len(whole.splitlines()) - 1)
