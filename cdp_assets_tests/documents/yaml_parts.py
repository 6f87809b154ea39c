"""The YAML that documents show, put where they say it belongs."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

FRAGMENT = re.compile(r"# (?P<folder>cdp_assets/defs|my_defs)/(?P<name>\w+)/defs\.yaml, under (?P<list>\w+)\n")
"""First line of a block that is part of a file: the file, and the list it is added to."""
RUN_CONFIG = re.compile(r"# the Launchpad of (?P<job>\w+)\n")
"""First line of a block that is given to a run."""


def is_component(text: str) -> bool:
    return re.match(r"(#.*\n)*type: cdp_assets\.", text) is not None


def folder_of(text: str) -> str:
    """The folder a component stands in, below that of all."""
    return str(yaml.safe_load(text)["attributes"].get("name", "model"))


def with_fragment(component: dict[str, Any], text: str) -> None:
    """Adds what a block says to the component it names."""
    attributes, part = component["attributes"], FRAGMENT.match(text)
    assert part is not None
    if part["list"] == "attributes":
        attributes |= yaml.safe_load(text)
    else:
        attributes.setdefault(part["list"], []).extend(yaml.safe_load(text))


def write_yaml(project: Path, texts: Iterable[str]) -> None:
    """A component becomes a file as it stands; a fragment joins the file it names."""
    for text in texts:
        if is_component(text):
            path = project / "cdp_assets" / "defs" / folder_of(text) / "defs.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif part := FRAGMENT.match(text):
            path = project / part["folder"] / part["name"] / "defs.yaml"
            component = yaml.safe_load(path.read_text())
            with_fragment(component, text)
            path.write_text(yaml.safe_dump(component, sort_keys=False))
