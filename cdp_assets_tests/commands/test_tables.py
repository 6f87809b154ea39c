"""Tables at a terminal or in a pipe: what people copy out of them stands there in one piece."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from cdp_assets.commands.tables import Column, print_table, say

NAME = "a file with spaces and a very long name " + "x" * 80 + ".csv"
REASON = "a reason of many words " * 10


@pytest.mark.parametrize("width", [20, 100, 300])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_name_is_never_broken_or_cut_and_a_text_is_broken_but_not_cut(width, terminal):
    console = Console(file=StringIO(), width=width, force_terminal=terminal, color_system=None)
    columns = [Column("file", whole=True), Column("rows", number=True), Column("why", 30)]
    print_table(console, "Files", columns, [[NAME, 1_234_567, REASON]])
    told = console.file.getvalue()
    assert NAME in told
    assert "1234567" in told
    words = [word for line in told.splitlines()[3:] for word in line.removeprefix(NAME).split()]
    assert [word for word in words if word != "1234567"] == REASON.split()


def test_a_line_goes_into_a_pipe_in_one_piece():
    console = Console(file=StringIO(), width=20, force_terminal=False)
    say(console, f"{NAME} was refused", whole=True)
    assert console.file.getvalue() == f"{NAME} was refused\n"
