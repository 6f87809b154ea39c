"""What a goal needs to know to read the files of a drop folder, whose headers say what their columns are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cdp_assets.config.base import PropertyName, Strict

ListId = Annotated[str, Field(min_length=1, max_length=100)]


class DropSettings(Strict):
    """One of the two folders of a DropFolders component."""

    kind: Literal["profiles", "events"] = "profiles"
    """What a row is about."""
    lists: dict[ListId, str] = Field(default_factory=dict)
    """Ids of the lists that rows may join, and what the lists are called."""
    sms_enabled: bool = False
    """Whether a file may identify profiles by telephone numbers alone."""
    metric_limit: int = Field(default=200, ge=1, le=10_000)
    """Names of metrics at most; a row with one more is skipped."""
    properties: dict[str, PropertyName] = Field(default_factory=dict)
    """Header → property, where the property is called otherwise than the header."""
