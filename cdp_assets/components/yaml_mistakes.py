"""What a parser of YAML does not understand, told to somebody who does not know its words.

The parser says where it stopped, which is often not where the mistake is: a quote that is never closed shows at the
end of the file. So each mistake has a place of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import yaml

SECRET_KEYS = frozenset({"password", "passphrase", "private_key"})
"""Keys whose values never appear in a message, as somebody may have put the secret itself there."""

_SECRET_LINE = re.compile(r"pas+w|pas+ph|priv|pwd|secret|token|credential", re.IGNORECASE)
"""The same keys, also where they are misspelt."""
_KEY_LINE = re.compile(r"\s*(- )?[\w.-]+:(\s|$)")
_SHOWN = 80
_SIGN = re.compile(r"found character '(.+)' that cannot start")
_OPEN_QUOTE = re.compile(r"""^\s*(?:- )?(?:[^\s"'#]+:\s+)?(["'])((?!\1).)*$""")
"""A line whose value begins with a quote that is not closed in it."""


@dataclass(frozen=True)
class _Stop:
    """Where the parser stopped, and what it was about."""

    lines: Sequence[str]
    at: yaml.Mark
    began: yaml.Mark
    """Where the thing begins that it could not read to its end; else `at`."""
    context: str
    problem: str

    @property
    def text(self) -> str:
        """The line it stopped at."""
        return self._line(self.at.line)

    @property
    def before(self) -> tuple[int, str]:
        """Number and text of the last line before it that says something; 0 if there is none."""
        for number in range(min(self.at.line, len(self.lines)), 0, -1):
            line = self.lines[number - 1]
            if line.strip() and not line.lstrip().startswith("#"):
                return number, line
        return 0, ""

    def _line(self, index: int) -> str:
        return self.lines[index] if index < len(self.lines) else ""


_Told = tuple[int, int, str]
"""Line and column from 1, and what is wrong and would be right."""


def yaml_mistake(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Line and message. The line is shown unless it, or one beside it, may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return 0, "is no YAML: it holds characters that YAML does not allow"
    at = error.problem_mark or error.context_mark
    if at is None:
        return 0, f"is no YAML: {error.problem or 'it cannot be parsed'}"
    lines = text.splitlines()
    stop = _Stop(lines, at, error.context_mark or at, error.context or "", error.problem or "it cannot be parsed")
    line, column, told = next(found for rule in _RULES if (found := rule(stop)) is not None)
    if _may_hold_secret(lines, line, stop.at.line + 1):
        return line, f"is no YAML at column {column}: {told} (the line is not shown, as it may hold a secret)"
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    more = "…" if len(shown) > _SHOWN else ""
    return line, f"is no YAML at column {column}: {told}; the line reads: {shown[:_SHOWN]}{more}"


def _may_hold_secret(lines: Sequence[str], first: int, last: int) -> bool:
    """Whether a secret may stand in these lines (from 1), as where a key was pasted below its name."""
    above = first - 1
    while above > 1 and not _KEY_LINE.match(lines[above - 1]):
        above -= 1
    before = "\n".join(lines[:first])
    in_key = before.rfind("-----BEGIN") > before.rfind("-----END")
    return in_key or any(_SECRET_LINE.search(one) for one in lines[max(above - 1, 0) : max(first, last)])


def _at(mark: yaml.Mark, told: str) -> _Told:
    return mark.line + 1, mark.column + 1, told


def _tab(stop: _Stop) -> _Told | None:
    indent = stop.text[: len(stop.text) - len(stop.text.lstrip())]
    if "\t" not in indent and "'\\t'" not in stop.problem:
        return None
    place = indent.find("\t") if "\t" in indent else stop.at.column
    return stop.at.line + 1, place + 1, "a tab stands here; indent with spaces"


def _open_quote(stop: _Stop) -> _Told | None:
    if "end of stream" in stop.problem and "scalar" in stop.context:
        return _at(stop.began, "the quote that opens here is never closed; put the same quote behind the text")
    if "found '<scalar>'" not in stop.problem:
        return None
    # A later quote closed it, and the text that this one opens seems to stand behind a text.
    for index in range(stop.at.line - 1, -1, -1):
        if found := _OPEN_QUOTE.match(stop.lines[index]):
            told = "the quote that opens here is not closed on its line; put the same quote behind the text"
            return index + 1, found.start(1) + 1, told
    if stop.text[: stop.at.column].rstrip().endswith(('"', "'")):
        return _at(stop.at, "text stands behind the closing quote; put all of it into one pair of quotes")
    return None


def _bracket(stop: _Stop) -> _Told | None:
    found = re.search(r"expected ',' or '([\]}])', but got '(.*)'", stop.problem)
    if not found:
        if stop.problem.endswith(("found '}'", "found ']'")):
            return _at(stop.at, "this bracket closes nothing; take it away, or put the text into quotes")
        return None
    closing, got = found.groups()
    opening = "[" if closing == "]" else "{"
    if got in {"]", "}"}:
        return _at(
            stop.at, f"{got} stands where {closing} is due; the {opening} at column {stop.began.column + 1} is open"
        )
    if stop.at.line == stop.began.line:
        return _at(
            stop.at, f"a comma is missing before this, or a {closing}; entries inside {opening}{closing} need commas"
        )
    return _at(stop.began, f"the {opening} here is not closed; put {closing} behind its last entry")


def _template(stop: _Stop) -> _Told | None:
    if "unhashable key" in stop.problem or "unhashable" in stop.context:
        return _at(stop.began, 'a value that begins with { needs quotes, such as "{{ env.NAME }}"')
    return None


def _sign(stop: _Stop) -> _Told | None:
    if "undefined alias" in stop.problem or "expected alphabetic" in stop.problem:
        return _at(stop.began, "a text that begins with * or & needs quotes")
    if "constructor for the tag" in stop.problem or "tag handle" in stop.problem:
        return _at(stop.at, "a text that begins with ! needs quotes")
    if "unknown escape character" in stop.problem:
        return _at(stop.at, "inside double quotes a \\ needs another before it; or take single quotes around the text")
    if "chomping or indentation" in stop.problem:
        return _at(stop.began, "a text that begins with | or > needs quotes")
    found = _SIGN.search(stop.problem)
    return _at(stop.at, f"a text that begins with {found[1]} needs quotes") if found else None


def _no_colon(stop: _Stop) -> _Told | None:
    told = "no `key: value` stands here; a colon and a space after it are missing, or a - before it"
    if "could not find expected ':'" in stop.problem:
        return _at(stop.began, told)
    number, before = stop.before
    stripped = before.strip().removeprefix("- ")
    if "mapping values are not allowed" in stop.problem and number and not re.search(r":(\s|$)", stripped):
        return number, len(before) - len(before.lstrip()) + 1, told
    return None


def _colon_in_text(stop: _Stop) -> _Told | None:
    if "mapping values are not allowed" not in stop.problem:
        return None
    if re.search(r":\s", stop.text[: stop.at.column]):
        return _at(stop.at, "a second colon stands on this line; a text with a colon and a space needs quotes")
    number, _ = stop.before
    column = len(stop.text) - len(stop.text.lstrip()) + 1
    told = f"this key stands deeper than the one on line {number}, which has a value already"
    return stop.at.line + 1, column, f"{told}; begin both in the same column, or move that value onto lines of its own"


def _indent(stop: _Stop) -> _Told | None:
    if "sequence entries are not allowed" in stop.problem:
        return _at(stop.at, "a list begins on a line of its own: put the - below the key")
    if "expected <block end>" not in stop.problem:
        return None
    if stop.text[: stop.at.column].strip():
        return _at(stop.at, "this does not belong behind what stands before it; put the whole text into quotes")
    if "found '-'" in stop.problem and "mapping" in stop.context:
        told = "a list entry (-) stands among keys; give it a key of its own above it"
        return _at(stop.at, f"{told}, or a space behind the - of every entry")
    return _at(
        stop.at, "this line begins in another column than the lines it belongs to; begin all of them in the same"
    )


def _parser_words(stop: _Stop) -> _Told:
    return _at(stop.at, stop.problem)


_RULES: tuple[Callable[[_Stop], _Told | None], ...] = (
    _tab,
    _open_quote,
    _bracket,
    _template,
    _sign,
    _no_colon,
    _colon_in_text,
    _indent,
    _parser_words,
)
