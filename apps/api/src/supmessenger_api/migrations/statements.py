"""Splits a SQL script into its statements, each with the line it begins on."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What a semicolon inside does not end a statement, in the order PostgreSQL's lexer tries them.
_SPANS = re.compile(
    r"""
      (?P<line_comment>--[^\n]*)
    | (?P<block_comment>/\*)
    | (?P<escape_string>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<identifier>"(?:[^"]|"")*")
    | (?P<open>['"])
    | (?P<dollar>(?<![\w$])\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z))*")


class UnfinishedError(ValueError):
    """A quote, a comment or the last statement is not closed; `line` is where it begins."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"{what} that begins on line {line} is not closed")
        self.line = line


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon, and its first line in the file (from 1)."""

    text: str
    line: int

    def compute_line(self, position: int) -> int:
        """Return the file's line of a character of the statement, counted from 1."""
        return self.line + self.text.count("\n", 0, position - 1)


def parse_statements(script: str) -> tuple[Statement, ...]:
    """Return the statements of a script; UnfinishedError when one is not closed."""
    statements: list[Statement] = []
    begin = cursor = 0
    while match := _SPANS.search(script, cursor):
        cursor = _find_span_end(script, match)
        if match.lastgroup == "end":
            _append(statements, script, begin, match.start())
            begin = cursor
    if _skip_blank(script, begin) < len(script):
        raise UnfinishedError("the statement", _line_of(script, _skip_blank(script, begin)))
    return tuple(statements)


def _find_span_end(script: str, match: re.Match[str]) -> int:
    if match.lastgroup == "open":
        raise UnfinishedError("the quote", _line_of(script, match.start()))
    if match.lastgroup == "block_comment":
        return _find_comment_end(script, match.start())
    if match.lastgroup == "dollar":
        close = script.find(match.group(), match.end())
        if close < 0:
            raise UnfinishedError(f"the string {match.group()}", _line_of(script, match.start()))
        return close + len(match.group())
    return match.end()


def _find_comment_end(script: str, begin: int) -> int:
    """Return where a block comment ends; they nest in PostgreSQL."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(script, begin):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise UnfinishedError("the comment", _line_of(script, begin))


def _append(statements: list[Statement], script: str, begin: int, end: int) -> None:
    first = _skip_blank(script, begin)
    if first < end:
        statements.append(Statement(script[first:end].rstrip(), _line_of(script, first)))


def _skip_blank(script: str, begin: int) -> int:
    """Return where the next thing begins that is neither space nor a line comment."""
    match = _LEADING.match(script, begin)
    return match.end() if match else begin


def _line_of(script: str, position: int) -> int:
    return script.count("\n", 0, position) + 1
