"""What is checked about files, profiles, segments and deliveries, and the limits that make a check fail."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.schedules import Weekday
from cdp_assets.config.timezones import check_timezone

Severity = Literal["warn", "error"]
"""How loudly a failed check is shown: as a warning, or as an error."""


class Limit(Strict):
    """What every check has."""

    severity: Severity = "warn"
    """How loudly a failed check is shown."""


class HoldingLimit(Limit):
    """A check that can hold exports back."""

    blocks: bool = False
    """Whether no export goes out while the check fails; it is an error then, whatever `severity` says."""

    @property
    def level(self) -> Severity:
        """The severity that counts."""
        return "error" if self.blocks else self.severity


class RejectRate(HoldingLimit):
    """How many rows of a file may be rejected."""

    above: float = Field(default=5, ge=0, lt=100)
    """Fails above this per cent of a file's rows."""


class MissingFile(HoldingLimit):
    """When a file must have come: within so many days, or by a time of day."""

    within_days: float | None = Field(default=None, gt=0, le=3_650)
    """The newest file was seen no longer ago than this."""
    by: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """Time of day, `HH:MM`, by which a file came since this time of the due day before."""
    days_of_week: tuple[Weekday, ...] = ()
    """On which days one is due; none = every day."""
    timezone: str = "UTC"
    """Zone of `by` and of the days."""

    _zone = field_validator("timezone")(check_timezone)

    @model_validator(mode="after")
    def _one_form(self) -> MissingFile:
        if (self.within_days is None) == (self.by is None):
            message = 'give exactly one of within_days, such as 2, or by, such as "07:00"'
            raise ValueError(message)
        if self.days_of_week and self.by is None:
            message = "days_of_week goes with by; within_days counts every day"
            raise ValueError(message)
        return self


class Volume(HoldingLimit):
    """How far a number may be from those before it; they are compared with their median."""

    below: float | None = Field(default=None, gt=0, le=100)
    """Fails below this per cent of the median."""
    above: float | None = Field(default=None, ge=100)
    """Fails above this per cent of the median."""
    compare_with: int = Field(default=7, ge=1, le=100)
    """How many before it count; with fewer than three of them, or than this, nothing is compared."""

    @model_validator(mode="after")
    def _limited(self) -> Volume:
        if self.below is None and self.above is None:
            message = "give below, above or both, in per cent of the median, such as below: 50"
            raise ValueError(message)
        return self


class Fresh(HoldingLimit):
    """How old something may be."""

    within_hours: float = Field(gt=0, le=87_600)
    """Fails where it happened longer ago."""


class Size(HoldingLimit):
    """How many there must be."""

    at_least: int | None = Field(default=None, ge=0)
    """Fails with fewer."""
    at_most: int | None = Field(default=None, ge=0)
    """Fails with more."""

    @model_validator(mode="after")
    def _limited(self) -> Size:
        if self.at_least is None and self.at_most is None:
            message = "give at_least, at_most or both"
            raise ValueError(message)
        return self


class Stale(HoldingLimit):
    """How long a connection may go without any new file."""

    within_days: float = Field(gt=0, le=3_650)
    """Fails where the newest file of all its goals was seen longer ago."""


class UniqueIdentifiers(HoldingLimit):
    """How many values of identifiers may be held by more than one profile of a domain group."""

    at_most: int = Field(default=0, ge=0)
    """Fails where more values are shared."""


class Complete(Limit):
    """Whether the last delivery holds everybody it should, and stands on the server as it was sent."""

    severity: Severity = "error"
    """How loudly a failed check is shown."""
    file_there: bool = True
    """False where the receiver takes files away."""


class Delivered(Limit):
    """How old the last delivery may be."""

    within_hours: float = Field(gt=0, le=87_600)
    """Fails where it arrived longer ago."""


def _switched(value: Any) -> Any:
    """`off` and `on`, which YAML reads as false and true."""
    return None if value is False else {} if value is True else value


T = TypeVar("T", bound=Limit)
Switch = Annotated[T | None, BeforeValidator(_switched), Field(json_schema_extra={"switch": True})]
"""A check's limits; `off` = it is not made, `on` = with the limits it has by default."""


class ImportChecks(Strict):
    """What is checked of an import goal's files."""

    reject_rate: Switch[RejectRate] = RejectRate()
    missing_file: Switch[MissingFile] = None
    volume: Switch[Volume] = None


class ConnectionChecks(Strict):
    """What is checked of all import goals of a connection together."""

    stale: Switch[Stale] = None


class DropChecks(ConnectionChecks):
    """What is checked of drop folders."""

    profiles: ImportChecks = ImportChecks()
    events: ImportChecks = ImportChecks()


class ExportChecks(Strict):
    """What is checked of an export goal's last delivery."""

    complete: Switch[Complete] = Complete()
    fresh: Switch[Delivered] = None


class SegmentChecks(Strict):
    """What is checked of a segment."""

    size: Switch[Size] = None
    volume: Switch[Volume] = None
    fresh: Switch[Fresh] = None


class ModelChecks(Strict):
    """What is checked of the profiles."""

    unique_identifiers: Switch[UniqueIdentifiers] = UniqueIdentifiers()
    fresh: Switch[Fresh] = None
    """Fails where the newest batch came in longer ago."""
