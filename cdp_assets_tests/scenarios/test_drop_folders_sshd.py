"""Drop folders over a real OpenSSH: what the files say is in the warehouse once, however often they are dropped."""

from __future__ import annotations

import json
from datetime import timedelta

from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig, complete_deployment
from cdp_assets_tests.drop_folders.dropping import LISTS, PROPERTIES
from cdp_assets_tests.support.connected import WRITTEN, Shop

PROFILES = """\
Email,First Name,Loyalty Points,List ID,Email Marketing Consent,Email Marketing Consent Timestamp,City,Interests
a@x.com,Ann,5,XyZ123,SUBSCRIBE,2021-09-15 13:34:08,Delft,"[""tea"",""cats""]"
b@x.com,Bo,,,UNSUBSCRIBED,2022-01-01,,
c@x.com,Cy,,Nope,,,,
"""
EVENTS = """\
Metric name,Time,Profile.Email,Value,Unique ID,Profile.Location.Zip,Item
Placed Order,2022-11-08T10:00:00Z,a@x.com,9.99,ord-1,02111,Mug
Placed Order,2022-11-09T10:00:00Z,a@x.com,5,ord-1,02112,Cup
Viewed Page,2022-11-08T10:00:00Z,d@x.com,,,,
Viewed Page,,e@x.com,,,,
"""
FILES = {"profiles": ("people.csv", PROFILES), "events": ("orders.csv", EVENTS)}


class DropShop(Shop):
    """A server with the two folders; its connection is that of the drop folders."""

    def __init__(self, sshd, data):
        super().__init__(sshd, data, [], PROPERTIES)
        self.model = {"segments": []}
        for name in FILES:
            self.dirs[name] = self.remote / name
            self.dirs[name].mkdir()
            self.give(self.dirs[name])

    @property
    def deployment(self):
        server = self.sshd.server_config(user_directory=str(self.remote))
        folders = DropFolders(name="klaviyo", server=server, lists=LISTS)
        return complete_deployment(CustomerModelConfig.model_validate(self.settings()["model"]), [folders.connection])

    def deliver_files(self, prefix="", hours=0):
        for directory, (name, text) in FILES.items():
            self.put(prefix + name, text, written=WRITTEN + timedelta(hours=hours), directory=directory)
        return self.import_all()

    def of_people(self, columns, table):
        return self.rows(
            f"SELECT email, {columns} FROM main.{table} JOIN main.profiles USING (profile_id) ORDER BY ALL"
        )

    def counts(self):
        """File by file: rows received, that made a profile, that changed one, that were refused; events made."""
        return self.rows(
            "SELECT name, rows_received, rows_created, rows_modified, rows_rejected, events_created"
            " FROM ops.batches ORDER BY position"
        )


def test_dropped_profiles_consents_lists_and_events_are_in_once_however_often_they_come(sshd, tmp_path):
    shop = DropShop(sshd, tmp_path)
    shop.put("notes.txt", "Email\nz@x.com\n", directory="profiles")
    look, _, acknowledged = shop.deliver_files()
    assert {item.name: item.error for item in look.outcomes if item.error} == {
        "notes.txt": "File must have a .csv extension"
    }
    people = shop.rows("SELECT email, first_name, loyalty_points, interests, custom FROM main.profiles ORDER BY email")
    assert [(*row[:4], json.loads(row[4]) if row[4] else None) for row in people] == [
        ("a@x.com", "Ann", 5, ["tea", "cats"], {"City": "Delft", "Location": {"Zip": "02111"}}),
        ("b@x.com", "Bo", None, None, None),
        ("d@x.com", None, None, None, None),
    ]
    assert shop.of_people("channel, status, strftime(timestamp AT TIME ZONE 'UTC', '%x %X')", "consents") == [
        ("a@x.com", "email_marketing", "SUBSCRIBED", "2021-09-15 13:34:08"),
        ("b@x.com", "email_marketing", "UNSUBSCRIBED", "2022-01-01 00:00:00"),
    ]
    assert shop.of_people("list_id, list_name", "list_memberships") == [("a@x.com", "XyZ123", "Newsletter")]
    assert shop.of_people("metric, value::VARCHAR, properties", "events_klaviyo") == [
        ("a@x.com", "Placed Order", "9.9900", '{"Item":"Mug"}'),
        ("d@x.com", "Viewed Page", None, None),
    ]
    first = [("people.csv", 3, 2, 0, 1, 0), ("orders.csv", 4, 1, 1, 1, 2)]
    assert shop.counts() == first
    assert (acknowledged, sorted(shop.tree())) == (
        [],
        ["events/orders.csv", "profiles/notes.txt", "profiles/people.csv"],
    )
    before = shop.dump()
    shop.deliver_files("again_", hours=1)
    assert shop.dump() == before
    assert shop.counts() == [
        *first,
        ("again_people.csv", 3, 0, 0, 1, 0),
        ("again_orders.csv", 4, 0, 0, 1, 0),
    ]
    look, fold, _ = shop.import_all()
    assert ([item.name for item in look.outcomes if not item.error], fold.folded) == ([], ())
