"""Members for whom no objective of the connection is allowed are left out of its exports, and counted."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.check_segments import segment_places
from cdp_assets.config.known import Known, Unread
from cdp_assets.config.model import Deployment
from cdp_assets.config.segments import Segment
from cdp_assets.sql.conditions import Moment, predicate
from cdp_assets.sql.text import Sql, sql
from cdp_assets_tests.support.exported import NOW, UUID, Desk, goal

MAIL = {"id": "mail", "legislations": ["GDPR", "CCPA"]}
SAID = {
    1: ("GDPR", ["mail"], None),
    2: ("GDPR", None, None),
    3: ("CCPA", None, None),
    4: ("CCPA", None, ["mail"]),
    5: ("NONE", None, ["mail"]),
    6: ("GDPR", ["mail"], None),
}


def desk_serving(folder, *objectives, **settings):
    model = {"objectives": [MAIL, {"id": "bills", "needs_consent": False}]}
    columns = [
        {"property": "crm", "identifier": True},
        *({"profile_id": {}} for name in settings if name == "population"),
    ]
    desk = Desk(folder, [{"name": "crm"}], goal(columns=columns, format={"header": False}, **settings), model)
    (connection,) = desk.deployment.connections
    served = connection.model_copy(update={"objectives": objectives})
    desk.deployment = desk.deployment.model_copy(update={"connections": (served,)})
    return desk


def fill(desk, said):
    desk.fill({number: {"crm": str(number)} for number in said if number != 6} | {6: {}})
    with desk.warehouse() as database:
        for number, (zone, given, refused) in said.items():
            database.run(
                Sql(
                    "UPDATE main.profiles SET privacy_legislation = ?, consented_objectives = ?, refused_objectives = ?"
                    " WHERE profile_id = ?"
                ),
                [zone, given, refused, UUID.format(number)],
            )


def test_members_without_consent_are_left_out_and_counted(tmp_path):
    desk = desk_serving(tmp_path, "mail")
    fill(desk, SAID)
    made, _ = desk.export(settle=False)
    assert (made.counts.due, made.counts.consent, made.counts.no_identifier) == (3, 2, 1)
    assert desk.text().split() == ["1", "3", "5"]
    open_to_all = desk_serving(tmp_path, "mail", "bills")
    assert open_to_all.text().split() == ["1", "2", "3", "4", "5"]


def test_a_refusal_removes_a_member_from_what_the_consumer_has(tmp_path):
    desk = desk_serving(tmp_path, "mail", population="difference", difference="files")
    fill(desk, SAID)
    desk.export()
    fill(desk, SAID | {3: ("CCPA", None, ["mail"])})
    made, _ = desk.export()
    assert [(file.action, file.rows) for file in made.files if file.rows] == [("removed", 1)]


STATES = {
    "consented": [1, 6],
    "consented_or_unneeded": [1, 3, 5, 6],
    "refused": [4, 5],
    "unknown": [2, 3],
    "refused_or_unknown": [2, 3, 4, 5],
}


def test_a_condition_asks_for_each_of_the_five_states(tmp_path):
    desk = desk_serving(tmp_path)
    fill(desk, SAID)
    segments = [{"name": name, "where": {"objective": "mail", "state": name}} for name in STATES]
    data = desk.deployment.model_dump(by_alias=True, mode="json")
    data["model"]["segments"] = segments
    model = Deployment.model_validate(data).model
    with desk.warehouse() as database:
        found = {
            segment.name: [
                int(str(one)[-2:])
                for (one,) in database.rows(
                    sql(
                        "SELECT profile_id FROM main.profiles WHERE {asked} ORDER BY 1",
                        asked=predicate(segment.where, Moment(model, NOW)),
                    )
                )
            ]
            for segment in model.segments
        }
    assert found == STATES


def test_a_condition_on_an_unknown_objective_or_state_is_told(tmp_path):
    model = desk_serving(tmp_path).deployment.model
    wrong = Segment.model_validate({"name": "x", "where": {"objective": "mails", "state": "refused"}})
    (place,) = segment_places(model.model_copy(update={"segments": (wrong,)}), Known.of(model, Unread()))
    assert place[0] == ("segments", 0, "where", "objective")
    assert "unknown objective 'mails'; known, nearest first: mail" in place[1]
    with pytest.raises(ValidationError, match="refused_or_unknown"):
        Segment.model_validate({"name": "x", "where": {"objective": "mail", "state": "no"}})


def test_the_message_tells_how_many(tmp_path):
    with desk_serving(tmp_path).warehouse() as database:
        columns = ["export_id", "path", "state", "uploaded", "rows", "started_at", "consent"]
        database.insert(Sql("ops.exports"), columns, [["x", "out/vip.csv", "delivered", True, 3, NOW, 1_200]])
        ((message,),) = database.rows(Sql("SELECT message FROM ops.export_history"))
    assert message == "Exported 3 profiles to out/vip.csv. 1,200 profiles skipped for lack of consent."
