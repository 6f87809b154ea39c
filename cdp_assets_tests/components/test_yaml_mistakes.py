"""What is no YAML is told by its place and line, in words for somebody who does not know the parser's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets.components.loading import find_problems

NO_KEY = "no `key: value` stands here; a colon and a space after it are missing, or a - before it"
COLUMNS = "this line begins in another column than the lines it belongs to; begin all of them in the same"

CASES = [
    ("name: a: b", 1, 8, "a second colon stands on this line; a text with a colon and a space needs quotes"),
    ("name: a\n  server: b", 2, 3, "this key stands deeper than the one on line 1, which has a value already; begin"),
    ("name a\nserver: b", 1, 1, NO_KEY),
    ("a: 1\n\n# why\nserver:x\nname: a", 4, 1, NO_KEY),
    ("server: b\nname a", 2, 1, NO_KEY),
    ("a:\n\tb: 1", 2, 1, "a tab stands here; indent with spaces"),
    ("a:\n  b: 1\n  \tc: 1", 3, 3, "a tab stands here; indent with spaces"),
    ('a: "b\nc: d', 1, 4, "the quote that opens here is never closed; put the same quote behind the text"),
    ('a: "b\nc: "d"', 1, 4, "the quote that opens here is not closed on its line; put the same quote behind the text"),
    ('a: "b" c', 1, 8, "text stands behind the closing quote; put all of it into one pair of quotes"),
    ("a: {b: c\nd: {e: f}", 1, 4, "the { here is not closed; put } behind its last entry"),
    ("a: [b, c", 1, 4, "the [ here is not closed; put ] behind its last entry"),
    ("a: {b: [c}", 1, 10, "} stands where ] is due; the [ at column 8 is open"),
    ("a: {b: c}}", 1, 10, "this bracket closes nothing; take it away, or put the text into quotes"),
    ("a: {b: c d: e}", 1, 11, "a comma is missing before this, or a }; entries inside {} need commas"),
    ("a:\n    b: 1\n  c: 2", 3, 3, COLUMNS),
    ("a:\n  - b: 1\n - c: 2", 3, 2, COLUMNS),
    ("a: - b", 1, 4, "a list begins on a line of its own: put the - below the key"),
    ("a: b\n- c", 2, 1, "a list entry (-) stands among keys; give it a key of its own above it"),
    ("a: @b", 1, 4, "a text that begins with @ needs quotes"),
    ("a: *.csv", 1, 4, "a text that begins with * or & needs quotes"),
    ("a: {{ env.HOST }}", 1, 4, 'a value that begins with { needs quotes, such as "{{ env.NAME }}"'),
    ('a: "\\d+"', 1, 6, "inside double quotes a \\ needs another before it; or take single quotes around the text"),
    ("a: |b", 1, 4, "a text that begins with | or > needs quotes"),
    ("a: b\n... c", 2, 5, "expected '<document start>', but found '<scalar>'"),
]


@pytest.mark.parametrize(("text", "line", "column", "told"), CASES)
def test_a_mistake_is_told_by_line_column_and_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, column: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("defs.yaml").write_text(text + "\n")
    [problem] = [one for one in find_problems(tmp_path) if "no YAML" in one.message]
    assert str(problem).startswith(f"defs.yaml:{line}: is no YAML at column {column}: {told}")
    assert problem.message.endswith(f"; the line reads: {text.splitlines()[line - 1].strip()}")


def test_a_long_line_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "defs.yaml").write_text(f"a: b: {'c' * 100}\n")
    [problem] = [one for one in find_problems(tmp_path) if "no YAML" in one.message]
    assert problem.message.endswith(f"; the line reads: a: b: {'c' * 74}…")
