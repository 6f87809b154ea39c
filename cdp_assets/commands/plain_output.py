"""The output of a program we start, without colours where it goes to no terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from subprocess import PIPE, Popen
from threading import Thread
from typing import IO, TextIO

_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_LAST_LINES_S = 3
"""How long the last lines of a program that has ended may take."""


@contextmanager
def started(command: list[str], environment: Mapping[str, str]) -> Iterator[Popen[bytes]]:
    """The program, started in a process group of its own.

    A terminal is its own; a file or pipe gets what it writes line by line, without colours.
    """
    streams = {name: stream for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)) if _is_plain(stream)}
    process = Popen(  # noqa: S603 - our own words
        command,
        env=environment,
        start_new_session=True,
        stdout=PIPE if "stdout" in streams else None,
        stderr=PIPE if "stderr" in streams else None,
    )
    copies = [
        Thread(target=_copy, args=(getattr(process, name), stream), daemon=True) for name, stream in streams.items()
    ]
    for copy in copies:
        copy.start()
    try:
        yield process
    finally:
        for copy in copies:
            copy.join(_LAST_LINES_S)


def _is_plain(stream: TextIO) -> bool:
    return not stream.isatty()


def _copy(source: IO[bytes], target: TextIO) -> None:
    with source:
        for line in source:
            target.write(_COLOUR.sub(b"", line).decode(errors="replace"))
            target.flush()
