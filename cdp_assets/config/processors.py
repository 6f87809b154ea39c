"""Data processors: what happens to the rows of a file before they are matched and mapped (spec.md 5)."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, SerializationInfo, model_serializer, model_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.processor_settings import (
    Casing,
    Concatenate,
    ConvertValue,
    CurrentDate,
    DateFormat,
    DuplicateCheck,
    EmailCleansing,
    Filter,
    FindReplace,
    FirstRows,
    FixedValue,
    Hash,
    PhoneCleansing,
    Python,
    RemoveNull,
    Split,
    Trim,
)

Settings = (
    EmailCleansing
    | FixedValue
    | ConvertValue
    | Concatenate
    | CurrentDate
    | Casing
    | DateFormat
    | DuplicateCheck
    | Filter
    | Hash
    | Split
    | RemoveNull
    | FirstRows
    | PhoneCleansing
    | FindReplace
    | Trim
    | Python
)


class Processor(Strict):
    """One processor, as a mapping with exactly one key: its name."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    email_cleansing: EmailCleansing | None = None
    fixed_value: FixedValue | None = None
    convert_value: ConvertValue | None = None
    concatenate: Concatenate | None = None
    current_date: CurrentDate | None = None
    casing: Casing | None = None
    date_format: DateFormat | None = None
    duplicate_check: DuplicateCheck | None = None
    filter: Filter | None = None
    hash: Hash | None = None
    split: Split | None = None
    remove_null: RemoveNull | None = None
    first_rows: FirstRows | None = None
    phone_cleansing: PhoneCleansing | None = None
    find_replace: FindReplace | None = None
    trim: Trim | None = None
    python: Python | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_settings(cls, value: Any) -> Any:
        """`- remove_null:` says the same as `- {remove_null: {}}`."""
        if isinstance(value, dict):
            return {key: {} if settings is None else settings for key, settings in value.items()}
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Processor:
        if len(self._given()) != 1:
            message = f"a processor is a mapping with exactly one key; accepted: {', '.join(type(self).model_fields)}"
            raise ValueError(message)
        return self

    @model_serializer
    def _as_written(self, info: SerializationInfo) -> dict[str, Any]:
        return {self.name: self.settings.model_dump(mode=info.mode, by_alias=True)}

    @property
    def name(self) -> str:
        """Its name in the YAML."""
        return self._given()[0]

    @property
    def settings(self) -> Settings:
        """What it does."""
        settings: Settings = getattr(self, self.name)
        return settings

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it reads or changes by name."""
        one, several = getattr(self.settings, "field", None), getattr(self.settings, "fields", ())
        return (one, *several) if one is not None else tuple(several)

    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]
