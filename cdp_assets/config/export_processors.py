"""Processors of exports, and which of a goal's files each of them applies to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, Field, SerializationInfo, model_serializer

from cdp_assets.config.base import SecretRef, Strict
from cdp_assets.config.export_events import EventStream
from cdp_assets.config.processor_settings import (
    Concatenate,
    CurrentDate,
    FieldName,
    FixedValue,
    Hash,
    KeyedHash,
    Split,
)
from cdp_assets.config.processors import Processor

ALL, PROFILES, EVENTS, NESTED = "all", "profiles", "events", "nested"
"""Streams that a processor can name, beside the name of one file of events."""


class Pseudonymize(Strict):
    """Replaces every value of a property that identifies a person by its digest, in all columns."""

    algorithm: Literal["sha256", "sha1", "md5"] = "sha256"
    """How the digest is made."""
    key: SecretRef | None = None
    """Key of the digests (HMAC): without it nobody finds an address by trying addresses. Left out = none."""
    normalise: bool = False
    """Take the digest of the text in lower case and without blanks around."""
    keep: tuple[FieldName, ...] = ()
    """Columns that stay as they are, by their header."""

    def hashing(self, field: str, separator: str | None, key_name: str) -> Processor:
        """The same, for one column by its name; of several values each is replaced."""
        settings = Hash(fields=(field,), algorithm=self.algorithm, normalise=self.normalise, separator=separator)
        if self.key is not None:
            settings = KeyedHash(**settings.model_dump(), key_name=key_name)
        return Processor(hash=settings)


@dataclass(frozen=True)
class Stream:
    """One kind of a goal's files, as processors name it."""

    name: str
    """`profiles`, or the name of a file of events."""
    group: str
    """`profiles`, `events` or `nested`."""


PROFILE_STREAM = Stream(PROFILES, PROFILES)


def stream_of_events(stream: EventStream) -> Stream:
    """A file of events as processors name it."""
    return Stream(stream.name, NESTED if stream.nested else EVENTS)


class ExportProcessor(Processor):
    """A processor of an export, just before writing: fields are columns by their header."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 2})

    pseudonymize: Pseudonymize | None = None
    stream: str | None = Field(default=None, min_length=1)
    """The files it applies to: `profiles`, `events`, `nested` (items of events), `all`, or those of one name such as
    `order_product`; of several those that have its fields. Left out = `profiles`, of `pseudonymize` = `all`."""

    @model_serializer
    def _as_written(self, info: SerializationInfo) -> dict[str, Any]:
        written: dict[str, Any] = {self.name: self.settings.model_dump(mode=info.mode, by_alias=True)}
        return written if self.stream is None else written | {"stream": self.stream}

    def _given(self) -> list[str]:
        return [name for name in super()._given() if name != "stream"]

    def names(self, stream: Stream) -> bool:
        """Whether it is meant for these files."""
        meant = self.stream or (ALL if self.pseudonymize else PROFILES)
        return meant in {ALL, stream.group, stream.name}

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that must be there; those that `pseudonymize` keeps need not be in every file."""
        if self.pseudonymize is not None:
            return ()
        made = fields_made(self) if isinstance(self.settings, FixedValue) else ()
        return tuple(field for field in self.fields if field not in made)

    def applies(self, stream: Stream, fields: Collection[str]) -> bool:
        """Whether it is meant for these files and finds its fields there."""
        return self.names(stream) and set(self.reads) <= set(fields)


def fields_made(processor: Processor) -> tuple[str, ...]:
    """The fields a processor fills, new or not."""
    settings = processor.settings if processor.name != "pseudonymize" else None
    match settings:
        case FixedValue():
            return (settings.field,)
        case Concatenate() | CurrentDate():
            return (settings.into,)
        case Split():
            return settings.targets
        case _:
            return ()
