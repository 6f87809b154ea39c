"""Whether and where a goal's rejected rows go back to their sender."""

from __future__ import annotations

from pydantic import Field

from cdp_assets.config.base import RemoteDirectory, Strict


class ReturnRejects(Strict):
    """One file of rejected rows on the server for each imported file that has any."""

    directory: RemoteDirectory = Field(default="rejected", min_length=1)
    """Relative to the connection's user directory unless it starts with `/`; none that an import reads."""
    plain: bool = False
    """Allow it where imported files are PGP encrypted: what goes back is not."""
