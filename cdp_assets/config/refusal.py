"""When a file is refused as a whole because of its rejected rows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cdp_assets.config.base import Strict

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_EXPECTED = 'on_error is skip_rows, fail_file, {skip_file_over: 100} or {skip_file_over: "5 %"}'


class SkipFileOver(Strict):
    """Refuses a file of which more rows than this are rejected."""

    skip_file_over: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?%$")]
    """A number of rows, or a share of the rows received such as `5 %`."""


def _understood(value: Any) -> Any:
    """One message for all that can be wrong, instead of one for each form that was tried."""
    if isinstance(value, SkipFileOver) or (isinstance(value, str) and value in {"skip_rows", "fail_file"}):
        return value
    limit = value.get("skip_file_over") if isinstance(value, dict) and len(value) == 1 else None
    share = _SHARE.fullmatch(limit) if isinstance(limit, str) else None
    if share is not None and Decimal(share[1]) <= 100:
        return value
    if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0:
        return value
    raise ValueError(_EXPECTED)


OnError = Annotated[Literal["skip_rows", "fail_file"] | SkipFileOver, BeforeValidator(_understood)]
"""What rejected rows do to their file: nothing, or refuse it, always or beyond a limit."""


def is_too_many(on_error: Literal["skip_rows", "fail_file"] | SkipFileOver, rejected: int, received: int) -> bool:
    """Whether so many rejected rows, of so many received, refuse the file."""
    if isinstance(on_error, SkipFileOver):
        limit = on_error.skip_file_over
        if isinstance(limit, int):
            return rejected > limit
        return rejected * 100 > Decimal(limit.rstrip(" %")) * received
    return on_error == "fail_file" and rejected > 0
