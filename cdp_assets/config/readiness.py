"""When a file that stands on the server is complete: what the sender says about it, and how long we wait."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from cdp_assets.config.base import Strict

PLACEHOLDERS = ("{name}", "{stem}")
"""In the name of a ready file: the data file's whole name, or that name without its extensions."""
_LONGEST_WAIT_S = 30 * 24 * 3_600


class Ready(Strict):
    """What a file must meet, beside keeping its size and time, before it is imported; all that is given."""

    min_age_s: int = Field(default=0, ge=0, le=_LONGEST_WAIT_S)
    """A file modified less than so many seconds before the look waits."""
    file: str | None = None
    """Name of the sender's ready file for each file: `{name}.ok` for x.csv.ok, `{stem}.ok` for x.ok."""
    manifest: str | None = Field(default=None, min_length=1)
    """Name, with wildcards, of the sender's lists: a file waits until one names it and all it names are there."""
    checksum: Literal["ignore", "optional", "required"] = "ignore"
    """optional: a file is compared with its `.sha256` or `.md5` where one is there; required: it waits for one."""

    @field_validator("file")
    @classmethod
    def _file_names_the_data_file(cls, value: str | None) -> str | None:
        if value is None:
            return None
        written = re.findall(r"[{][^{}]*[}]?|[}]", value)
        if len(written) != 1 or written[0] not in PLACEHOLDERS:
            message = f"file {value!r} must hold {{name}} or {{stem}} once and no other brace, as in '{{name}}.ok'"
            raise ValueError(message)
        if value in PLACEHOLDERS:
            message = f"file {value!r} needs text beside it, as in '{{name}}.ok': the file itself would be meant"
            raise ValueError(message)
        if value.endswith(".part"):
            message = f"file {value!r}: names that end in .part are uploads that are not finished; name another ending"
            raise ValueError(message)
        return _without_folder("file", value)

    @field_validator("manifest")
    @classmethod
    def _manifest_is_a_name(cls, value: str | None) -> str | None:
        return None if value is None else _without_folder("manifest", value)


def _without_folder(key: str, value: str) -> str:
    if "/" in value:
        message = f"{key} {value!r} is a file name without a folder: it stands beside the files it tells about"
        raise ValueError(message)
    return value
