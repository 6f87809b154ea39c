"""Files of profiles in a drop folder (spec.md K2 to K4)."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.config.check import check
from cdp_assets.errors import FileError
from cdp_assets_tests.drop_folders.dropping import custom, deliver, drop, drop_lab, people, rejects
from cdp_assets_tests.support.lab import EPOCH

EXAMPLE = """Email,First Name,List ID,Email Marketing Consent,Interests
a@x.com,Ann,XyZ123,SUBSCRIBE,"[""tea"",""cats""]"
"""


def test_the_example_of_the_documents_makes_a_profile(tmp_path):
    room = drop_lab(tmp_path)
    assert check(room.deployment) == []
    batch = deliver(room, EXAMPLE)
    assert people(room, "email, first_name, interests, custom") == [("a@x.com", "Ann", ["tea", "cats"], None)]
    assert (batch["rows_created"], batch["rows_rejected"], batch["cells_rejected"]) == (1, 0, 0)


def test_reserved_names_count_however_they_are_written(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, " e_mail ,PHONE NUMBER,external_id,FIRSTNAME,Loyalty Points\nA@X.com,+31 (6) 12345678,7,Ann,5\n")
    assert people(room, "email, phone_number, external_id, first_name, loyalty_points") == [
        ("a@x.com", "+31612345678", "7", "Ann", 5)
    ]


def test_what_nobody_declared_becomes_one_object_and_dots_nest(tmp_path):
    room = drop_lab(tmp_path)
    header = "Email,Last Name,Location.Zip,Location.Latitude,Address.City,Address.Street.Name,zip,n,yes,when,tags,odd\n"
    row = 'a@x.com,1,02111,52.123456,Delft,Oude,02111,5.50,TRUE,09/15/21 13:34,"[1, ""b""]",[oops\n'
    deliver(room, header + row)
    assert custom(room) == [
        {
            "Last Name": "1",
            "Location": {"Zip": "02111", "Latitude": 52.1235},
            "Address": {"City": "Delft", "Street": {"Name": "Oude"}},
            "zip": "02111",
            "n": 5.5,
            "yes": True,
            "when": "2021-09-15T13:34:00Z",
            "tags": [1, "b"],
            "odd": "[oops",
        }
    ]
    assert rejects(room, "cell") == [(2, "odd", "Invalid list format")]


def test_objects_are_merged_field_by_field_and_nothing_is_cleared(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,b,a,Address.City\na@x.com,1,2,Delft\nb@x.com,,,\n")
    batch = deliver(room, "Email,a,Address.Zip,z\na@x.com,,7,1\na@x.com,5,,\nb@x.com,,,\n", 2)
    assert people(room, "custom") == [('{"Address":{"City":"Delft","Zip":7},"a":5,"b":1,"z":1}',), (None,)]
    assert (batch["rows_modified"], batch["rows_unchanged"]) == (2, 1)
    again = deliver(room, "z,Email,b\n1,a@x.com,1\n", 3)
    assert (again["rows_modified"], again["rows_unchanged"]) == (0, 1)


def test_a_field_that_turns_into_an_object_and_back_takes_the_last_form(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,A.p,x\na@x.com,1,\n")
    drop(room, "Email,A\na@x.com,5\n", 2)
    deliver(room, "Email,A.q,y\na@x.com,2,\n", 3)
    assert custom(room) == [{"A": {"q": 2}}]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("First Name,City", "At least one identifying header is required: Email, PhoneNumber or ExternalID"),
        ("PhoneNumber,City", "SMS must be enabled to use PhoneNumber as the only identifier"),
        ("Email,e_mail", 'Duplicate column "e_mail"'),
        ("Email,A,A.B", 'Columns "A" and "A.B" exclude each other: one is inside the other'),
        ("Email,Loyalty Points,LoyaltyPoints", "fills loyalty_points already"),
        ("Email,City,City", 'Duplicate column "City"'),
        ("Email,", "column 2 of the header has no name"),
    ],
)
def test_a_header_that_is_none_of_the_convention_refuses_the_file(tmp_path, header, message):
    with pytest.raises(FileError, match=message.replace("(", r"\(")):
        drop(drop_lab(tmp_path), f"{header}\na,b,c\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"Email,x\na@x.com,\xff\nb@x.com,1\n", "Row 2 is not UTF-8"),
        (b"Email,x\nb@x.com,1\na@x.com," + b"y" * 1_048_600 + b"\n", "Row 3 exceeds 1MB"),
        (b"Email," + b"y" * 1_048_600 + b"\na@x.com,1\n", "Row 1 exceeds 1MB"),
    ],
)
def test_what_cannot_be_read_refuses_the_file_as_a_whole(tmp_path, content, message):
    with pytest.raises(FileError, match=message):
        drop(drop_lab(tmp_path), content)


def test_telephone_numbers_alone_identify_where_sms_is_enabled(tmp_path):
    room = drop_lab(tmp_path, sms_enabled=True)
    deliver(room, "PhoneNumber\ntel:+31-6.1234/5678\n")
    assert people(room, "phone_number") == [("+31612345678",)]


@pytest.mark.parametrize(
    ("header", "cells", "told"),
    [
        ("Email", "nobody", ("Email", "Invalid email format")),
        ("PhoneNumber,ExternalID", "0612345678,", ("PhoneNumber", "Invalid phone number")),
        ("Email,x", ",1", (None, "No identifier: Email, PhoneNumber or ExternalID")),
        ("Email,Image", "b@x.com,foo", ("Image", "Image must be a URL")),
        ("Email,List ID", "b@x.com,Nope", ("List ID", "Invalid List ID")),
        ("Email,ExternalID,List ID", ",7,XyZ123", ("List ID", "List ID requires a valid email")),
        (
            "Email,Email Marketing Consent",
            "b@x.com,MAYBE",
            ("Email Marketing Consent", 'Invalid consent value "MAYBE"'),
        ),
        (
            "Email,SMS Marketing Consent,SMS Marketing Consent Timestamp",
            "b@x.com,SUBSCRIBE,2031-01-01",
            ("SMS Marketing Consent Timestamp", "Consent timestamp must be in the past"),
        ),
        ("Email,Location.Latitude", "b@x.com,90.1", ("Location.Latitude", "Invalid number format")),
        ("Email,Location.Longitude", "b@x.com,east", ("Location.Longitude", "Invalid number format")),
        ("Email,x", "b@x.com," + "y" * 102_400, (None, "The row holds more than 100 KB")),
    ],
)
def test_a_row_is_skipped_as_a_whole_and_the_rest_of_the_file_is_in(tmp_path, header, cells, told):
    room = drop_lab(tmp_path)
    width = header.count(",")
    good = {"Email": "good@x.com", "PhoneNumber": "+31600000001"}[header.split(",")[0]]
    batch = deliver(room, f"{header}\n{good}{',' * width}\n{cells}\n")
    assert rejects(room) == [(3, *told)]
    assert (batch["rows_received"], batch["rows_created"], batch["rows_rejected"]) == (2, 1, 1)
    assert room.rows("SELECT count(*) FROM main.profiles") == [(1,)]


def test_an_invalid_identifier_beside_a_valid_one_is_left_out_with_a_warning(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,PhoneNumber,Location.Timezone\na@x.com,12,Mars/Olympus\nnobody,+31600000001,Europe/Paris\n")
    assert people(room, "email, phone_number") == [("a@x.com", None), (None, "+31600000001")]
    assert rejects(room, "cell") == [
        (2, "Location.Timezone", "not the name of an IANA time zone"),
        (2, "PhoneNumber", "Invalid phone number"),
        (3, "Email", "Invalid email format"),
    ]


def test_the_other_identifiers_of_a_row_are_replaced(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,PhoneNumber\na@x.com,+31600000001\n")
    deliver(room, "Email,PhoneNumber\na@x.com,+31600000002\n", 2)
    assert people(room, "email, phone_number") == [("a@x.com", "+31600000002")]


def test_another_extension_refuses_the_file(tmp_path):
    from cdp_assets.flows.prepare_dropped import require_csv

    room = drop_lab(tmp_path)
    with pytest.raises(FileError, match=r"File must have a \.csv extension"):
        require_csv(room.config("profiles", "klaviyo"), "people.txt")


def test_a_row_whose_identifiers_find_nobody_is_told_by_their_names(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "ExternalID,First Name\n000000,Ann\n7,Bo\n")
    screen = io.StringIO()
    print_summary(Console(file=screen, width=300), room.folders, EPOCH, ())
    told = "file1.csv: 1 row has no usable email, phone_number or external_id, and was left out"
    assert told in screen.getvalue()
