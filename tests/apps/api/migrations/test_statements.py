"""A script falls into its statements wherever psql would cut it."""

import pytest

from supmessenger_api.migrations.statements import UnfinishedError, parse_statements


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("-- only a comment;\n", []),
        ("/* a; /* nested; */ b; */ SELECT 1;", ["/* a; /* nested; */ b; */ SELECT 1"]),
        ("SELECT 'it''s; one';", ["SELECT 'it''s; one'"]),
        (r"SELECT E'it\'s; one';", [r"SELECT E'it\'s; one'"]),
        (r"SELECT '\'; SELECT 2;", [r"SELECT '\'", "SELECT 2"]),
        ('SELECT "a;b""c;";', ['SELECT "a;b""c;"']),
        ("DO $$ BEGIN; END $$; SELECT 1;", ["DO $$ BEGIN; END $$", "SELECT 1"]),
        ("DO $a$ $$ ; $$ ; $a$;", ["DO $a$ $$ ; $$ ; $a$"]),
        ("SELECT x$1$; SELECT 2;", ["SELECT x$1$", "SELECT 2"]),
        ("SELECT 1 -- not; here\n; SELECT 2;", ["SELECT 1 -- not; here", "SELECT 2"]),
        (" ;; SELECT 1; ; ", ["SELECT 1"]),
    ],
)
def test_a_semicolon_ends_a_statement_only_outside_of_quotes_and_comments(
    script: str, expected: list[str]
) -> None:
    assert [statement.text for statement in parse_statements(script)] == expected


def test_a_statement_knows_its_first_line_after_comments_and_blank_lines() -> None:
    script = "-- head\n\nSELECT 1;\n\n-- why\nSELECT\n  2;\n"
    assert [statement.line for statement in parse_statements(script)] == [3, 6]


def test_a_position_inside_a_statement_becomes_a_line_of_the_file() -> None:
    statement = parse_statements("\n\nSELECT\n  1,\n  x;\n")[0]
    assert statement.compute_line(statement.text.index("x") + 1) == 5


@pytest.mark.parametrize("script", ["SELECT 1", "SELECT 1;\n/* open", "SELECT 1;\nDO $$ BEGIN;"])
def test_what_is_not_closed_is_refused(script: str) -> None:
    with pytest.raises(UnfinishedError, match="not closed"):
        parse_statements(script)
