"""`{{ … }}` in YAML values: only strings that contain it are templates, and what they give is always text.

Dagster's own renderer turns `"+31"` into a number and an unknown variable inside a longer text into nothing;
this one keeps texts as they are and reports what is undefined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError

from cdp_assets.components.yaml_mistakes import SECRET_KEYS
from cdp_assets.config.known import Location, Place


class _NothingError(Exception):
    """A template gave None."""


def _refuse_nothing(value: Any) -> Any:
    if value is None:
        raise _NothingError
    return value


_ENVIRONMENT = Environment(  # noqa: S701  the result is a config value, never HTML
    undefined=StrictUndefined, finalize=_refuse_nothing, keep_trailing_newline=True
)


def render(value: Any, scope: Mapping[str, Any], at: Location = ()) -> tuple[Any, list[Place]]:
    """The value with its templates rendered, and the templates that could not be; those stay as written."""
    if isinstance(value, dict):
        parts = {key: render(item, scope, (*at, key)) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, _wrong(parts.values())
    if isinstance(value, list):
        items = [render(item, scope, (*at, index)) for index, item in enumerate(value)]
        return [item for item, _ in items], _wrong(items)
    if not isinstance(value, str) or "{{" not in value:
        return value, []
    try:
        return _ENVIRONMENT.from_string(value).render(**scope), []
    except Exception as error:  # noqa: BLE001  a template can call anything in its scope
        return value, [(at, _message(value, error, at, scope))]


def _wrong(parts: Any) -> list[Place]:
    return [place for _, wrong in parts for place in wrong]


def _message(template: str, error: Exception, at: Location, scope: Mapping[str, Any]) -> str:
    if SECRET_KEYS.intersection(at):
        return "this template cannot be rendered; give a secret as {env: NAME} or {file: path} instead"
    if isinstance(error, _NothingError):
        cure = "is the variable set? A default: {{ env('NAME', 'default') }}"
        return f"template {template!r} gives nothing; {cure}"
    reason = str(error) if isinstance(error, TemplateError) or "Resolution" in type(error).__name__ else ""
    known = f"; known: {', '.join(sorted(scope))}" if "undefined" in reason else ""
    return f"template {template!r} cannot be rendered: {reason or type(error).__name__}{known}"
