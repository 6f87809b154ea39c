"""`python -m cdp_assets reference`: every key of the YAML, with its values, default and meaning; also for editors."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Sequence

from rich.console import Console

from cdp_assets.commands.tables import new_console, say
from cdp_assets.components.event_fields import find_fields, standard_fields
from cdp_assets.components.json_schema import files_schema
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.components.reference import Key, Part, find_keys, parts_below, reference, reference_page
from cdp_assets.config.events import EventType
from cdp_assets.config.known import nearest_first
from cdp_assets.errors import ConfigError

HELP = "tell every key of the YAML, or those of one name: kind of value, default, meaning"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which keys."""
    parser.add_argument(
        "word",
        nargs="?",
        help="a key or a part, such as mappings, format.encoding or Server, or an event type or field, such as order;"
        " default: all keys, as Markdown",
    )
    parser.add_argument("--json-schema", action="store_true", help="all keys as a JSON schema, for an editor")


def run(options: argparse.Namespace) -> int:
    """Print them."""
    if options.json_schema:
        print(json.dumps(files_schema(), indent=1))
        return 0
    if not options.word:
        print(reference_page())
        return 0
    found = find_keys(options.word)
    fields = find_fields(options.word, single=not found, own=_own_types())
    if not (found or fields):
        parts = [*(part for parts in reference().values() for part in parts), *standard_fields()]
        words = {name for part in parts for name in (part.name, *(key.name for key in part.keys))}
        near = ", ".join(nearest_first(options.word.rpartition(".")[2], sorted(words))[:5])
        raise ConfigError(f"no key or part {options.word!r}; nearest: {near}")
    console = new_console()
    _tell(console, found)
    for part, keys in fields:
        say(console, _plain(part.meaning))
        _tell(console, [(part, keys)])
    return 0


def _own_types() -> tuple[EventType, ...]:
    """Event types of the YAML that is there; none where there is none, or it has mistakes: `check` tells these."""
    try:
        return load_deployment(defs_folder()).event_types
    except ConfigError:
        return ()


def _tell(console: Console, found: Sequence[tuple[Part, tuple[Key, ...]]]) -> None:
    for part, keys in found:
        for key in keys:
            default = "required" if not key.default else f"default {_plain(key.default)}"
            say(console, f"{part.name}.{key.name}: {_plain(key.kind)}; {default}")
            say(console, f"    {_plain(key.meaning)}")
            for below in parts_below(key):
                keys_there = ", ".join(one.name for one in below.keys)
                say(console, f"    {below.name}: {keys_there} (reference {shlex.quote(below.name)} tells them)")


def _plain(markdown: str) -> str:
    """Without the marks of links and code."""
    return re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", " ".join(markdown.split())).replace("`", "")
