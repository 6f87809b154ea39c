"""Where rejected rows may go back to."""

from __future__ import annotations

import copy

import pytest
from pydantic import ValidationError

from cdp_assets.config.check import check
from cdp_assets.config.model import Deployment
from cdp_assets.config.returning import ReturnRejects
from cdp_assets_tests.config.test_check import GOOD

PGP = {"private_key": {"env": "KEY"}}


def found(returning, *, directory="in", user_directory="", pgp=None, others=()):
    """Place and message of each mistake; the goal reads from `directory`."""
    data = copy.deepcopy(GOOD)
    (shop,) = data["connections"]
    goal = shop["goals"][0]
    goal["files"]["directory"] = directory
    goal["return_rejects"] = returning
    shop["server"]["user_directory"] = user_directory
    if pgp:
        shop["pgp"] = pgp
    for name, changes in others:
        other = copy.deepcopy(shop) | {"name": name}
        other["goals"] = [{**goal, "return_rejects": None, "files": {"root": "b.csv", "directory": "back"}}]
        other["server"] |= changes
        data["connections"].append(other)
    return [(item.component, item.location, item.message) for item in check(Deployment.model_validate(data))]


@pytest.mark.parametrize("returning", [{}, {"directory": "in/rejected"}, {"directory": "/in"}, {"directory": "In"}])
def test_any_directory_that_no_import_reads_will_do(returning):
    assert found(returning) == []


@pytest.mark.parametrize(
    ("directory", "reads"), [("in", "in"), ("in/", "in"), ("./in", "in"), ("/up/in", "in"), (".", "")]
)
def test_a_directory_that_an_import_reads_is_refused_however_it_is_spelled(directory, reads):
    (mistake,) = found({"directory": directory}, directory=reads, user_directory="/up")
    assert mistake == (
        "shop",
        ("goals", 0, "return_rejects", "directory"),
        (
            f"goal 'customers' reads files from {directory!r}; rejected rows put there could be imported again;"
            " name another directory"
        ),
    )


def test_also_one_that_another_connection_of_the_same_account_reads():
    (mistake,) = found({"directory": "back"}, others=[("tills", {"host": "H"})])
    assert mistake[2].startswith("goal 'customers' of 'tills' reads files from 'back'; ")
    assert found({"directory": "back"}, others=[("tills", {"host": "elsewhere"}), ("web", {"username": "other"})]) == []


def test_rows_of_encrypted_files_go_back_plain_only_if_that_is_said():
    (mistake,) = found({}, pgp=PGP)
    assert mistake[1:] == (
        ("goals", 0, "return_rejects"),
        (
            "files of this connection come PGP encrypted, and rejected rows would go back as plain text;"
            " leave return_rejects out, or allow it with plain: true"
        ),
    )
    assert found({"plain": True}, pgp=PGP) == []
    assert found({}, pgp={"public_keys": [{"env": "KEY"}]}) == []


@pytest.mark.parametrize("directory", ["", "../up", "a/../b", "~/x"])
def test_a_directory_outside_is_refused(directory):
    with pytest.raises(ValidationError):
        ReturnRejects(directory=directory)
