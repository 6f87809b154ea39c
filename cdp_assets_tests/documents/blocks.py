"""The fenced blocks of README.md and docs/*.md, each of a kind that its first line names."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST = ROOT / "docs" / "getting-started.md"
"""The other pages go on from what its reader has made."""
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<file>[^\"\n]+)\")?\n(?P<text>.*?)^(?P=indent)```$",
    flags=re.M | re.S,
)
KINDS = {
    "yaml": "loaded, and written into the project where commands of its page run",
    "sql": "asked of the warehouse that the demo publishes",
    "python": "run beside the demo's data folder",
    "sh": "typed into bash",
    "console": "lines after `$ ` are typed into bash, and must print what stands below them",
    "csv": "written into the file that its title names",
    "text": "drawn for people; listed in `not_run.py`",
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    page: str
    line: int
    language: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def typed(self) -> "list[Typed]":
        """What a reader types, one entry for each command of a console and one for a whole script."""
        if self.language == "sh":
            return [Typed(self.text, None)]
        if self.language != "console":
            return []
        parts = re.split(r"^\$ ", self.text.replace("\\\n", " "), flags=re.M)
        assert not parts[0], f"{self}: a console begins with `$ ` and a command"
        split = [part.partition("\n") for part in parts[1:]]
        return [Typed(command, shown if shown.strip() else None) for command, _, shown in split]


@dataclass(frozen=True)
class Typed:
    """Lines for bash, and what a document shows of their output: nothing where it shows none."""

    command: str
    shown: str | None


@cache
def blocks(document: Path) -> tuple[Block, ...]:
    text = document.read_text(encoding="utf-8")
    return tuple(
        Block(
            document.name,
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            found["file"] or "",
            textwrap.dedent(found["text"]),
        )
        for found in FENCED.finditer(text)
    )


def blocks_of(*languages: str) -> list[Block]:
    """In all documents."""
    return [block for document in DOCUMENTS for block in blocks(document) if block.language in languages]


def prose(document: Path) -> str:
    return FENCED.sub("", document.read_text(encoding="utf-8"))
