"""Drop folders: two directories of one server whose files say by their headers what they hold.

They are no second pipeline: they compile into a connection with a goal for each folder, so that order, versions,
replay and rejects are those of every other import.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cdp_assets.config.base import Label, Name, Owner, PropertyName, RemoteDirectory, Strict
from cdp_assets.config.connections import Connection, Server
from cdp_assets.config.drop_goals import dropped_events, dropped_identifier, dropped_mapping
from cdp_assets.config.drop_headers import IDENTIFIERS, property_of
from cdp_assets.config.drop_settings import DropSettings, ListId
from cdp_assets.config.files import Files, Format
from cdp_assets.config.goals import ImportProfilesGoal, Rule
from cdp_assets.config.limits import ConnectionChecks, DropChecks
from cdp_assets.config.notifications import Notification
from cdp_assets.config.schedules import Schedule

BETWEEN_VALUES = "\x1f"
"""Lists are JSON here: no sign parts the values of a cell."""


class DropFolders(Strict):
    """Folders on one SFTP server into which anybody may drop files of profiles, in Klaviyo's header convention."""

    name: Annotated[Name, Field(max_length=40)]
    """Unique among connections; the first part of its assets' names and the id of its event type. Never change it."""
    description: str = ""
    """What people read about them on the web page."""
    owners: tuple[Owner, ...] = ()
    """Who is asked about its assets: `team:crm`, or an e-mail address."""
    labels: tuple[Label, ...] = ()
    """Words by which its assets are found; each becomes a tag."""
    favorite: bool = False
    """Gives its assets the tag `favorite`."""
    edit_roles: tuple[Label, ...] = ()
    """Who may edit it, as tags for people to read: nothing here or in Dagster enforces them."""
    server: Server
    """How to reach and recognise the server, and how to log in."""
    enabled: bool = True
    """False switches every sensor, schedule and run of these folders off."""
    run: Literal["auto", "schedule", "arrival", "manual"] = "auto"
    """auto = schedule if one is given, else arrival."""
    schedule: Schedule | None = None
    """At which times the folders are looked into; left out = by no clock."""
    notifications: tuple[Notification, ...] = ()
    """Who is told what about these folders."""
    checks: DropChecks = DropChecks()
    """What is checked of the files in each folder, and of both together."""
    order: int = 0
    """Connections with a lower number fold first where two files have the same time; then by name."""
    directory: RemoteDirectory = ""
    """The folder that holds the drop folders; relative to the user directory unless it starts with `/`."""
    profiles: RemoteDirectory = "profiles"
    """Folder of the files of profiles, inside `directory`."""
    events: RemoteDirectory = "events"
    """Folder of the files of events, inside `directory`."""
    lists: dict[ListId, str] = Field(default_factory=dict)
    """Lists that rows may join: id → name. A row with another `List ID` is skipped."""
    sms_enabled: bool = False
    """Whether a file may identify profiles by `PhoneNumber` alone."""
    metric_limit: int = Field(default=200, ge=1, le=10_000)
    """Names of metrics at most; a row with one more is skipped."""
    properties: dict[str, PropertyName] = Field(default_factory=dict)
    """Header → property, where the property is called otherwise than the header."""
    keep_received: bool = True
    """Keep each file as received beside its batch, so that `reland` can import it anew."""

    @model_validator(mode="after")
    def _run_fits_the_schedule(self) -> DropFolders:
        if self.run == "schedule" and self.schedule is None:
            message = "run: schedule needs a schedule"
            raise ValueError(message)
        return self

    @property
    def connection(self) -> Connection:
        """The connection these folders stand for."""
        shared = (
            "name",
            "description",
            "owners",
            "labels",
            "favorite",
            "edit_roles",
            "server",
            "enabled",
            "run",
            "schedule",
            "order",
            "notifications",
        )
        return Connection(
            **{field: getattr(self, field) for field in shared},
            checks=ConnectionChecks(stale=self.checks.stale),
            goals=(self._goal("profiles"), self._goal("events")),
        )

    def _goal(self, kind: Literal["profiles", "events"]) -> ImportProfilesGoal:
        shared = ("lists", "sms_enabled", "metric_limit", "properties")
        settings = DropSettings(kind=kind, **{field: getattr(self, field) for field in shared})
        identifiers = tuple(dropped_identifier(property_of(header, settings)) for header in IDENTIFIERS)
        folder = self.profiles if kind == "profiles" else self.events
        return ImportProfilesGoal(
            type="import_profiles",
            name=kind,
            description=f"The {kind} that were dropped; each file's header says what its columns are.",
            files=Files(
                directory="/".join(part for part in (self.directory.rstrip("/"), folder) if part),
                root="*",
                delta=True,
                rename_done=False,
                redelivery="append",
                keep_received=self.keep_received,
            ),
            format=Format(multi_value=BETWEEN_VALUES),
            identifiers=identifiers,
            allow_create=True,
            mappings=tuple(dropped_mapping(item.property, Rule.set) for item in identifiers),
            events=(dropped_events(self.name),) if kind == "events" else (),
            drop=settings,
            checks=self.checks.profiles if kind == "profiles" else self.checks.events,
        )
