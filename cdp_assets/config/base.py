"""The ground every config model stands on: strict, frozen, and references instead of secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """A frozen model that refuses unknown keys; attribute docstrings become the JSON schema's texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, str_strip_whitespace=False)


def _stays_inside(value: str) -> str:
    if ".." in value.split("/") or value.startswith("~"):
        message = "directory may not leave the user directory (no `..`, no `~`)"
        raise ValueError(message)
    return value


RemoteDirectory = Annotated[str, AfterValidator(_stays_inside)]
"""A folder on the server, relative to the connection's user directory unless it starts with `/`."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
"""A name the user chose for a connection, goal or segment: it becomes part of asset keys and paths."""

Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")]
"""Who is asked about something: `team:crm`, or an e-mail address."""

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,63}$")]
"""A word that things are found by."""

DomainGroup = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=63)]
"""A name for profiles that never match those of another."""
DEFAULT_DOMAIN_GROUP = "DEFAULT"

PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=63)]
"""A property id (spec.md 1.2): it becomes a column of `profiles`."""


class SecretRef(Strict):
    """Where a secret stands: the name of an environment variable or the path of a file, never the secret."""

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the environment variable that holds the secret."""
    file: Path | None = None
    """Path of a file that holds the secret; it must not be readable by group or others."""

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            message = "a secret is a reference: give exactly one of {env: NAME} or {file: path}"
            raise ValueError(message)
        return self
