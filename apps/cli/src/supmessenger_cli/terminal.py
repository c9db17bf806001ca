"""What a person sees: words on standard output, errors with their cure on standard error."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import httpx
import typer
import yaml
from rich.console import Console

from supmessenger_cli.options import Format
from supmessenger_cli.target import ClusterError

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG_VARIABLE = "SUP_DEBUG"

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class WrongUse(Exception):
    """The call can't be what was meant; the message says how it is done. Exit code 2."""


class VerbFailure(Exception):
    """A verb could not do its work; `cure` says what to do next. Exit code 1."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def run_verb(work: Coroutine[Any, Any, int | None], *, ends_by_interrupt: bool = False) -> None:
    """Run a verb and end the process with its exit code; expected failures become one line.

    `ends_by_interrupt` is for what goes on until Ctrl-C: that is its good end.
    """
    try:
        code = asyncio.run(work)
    except WrongUse as error:
        _complain(str(error))
        raise typer.Exit(WRONG_USE) from None
    except VerbFailure as error:
        _complain(str(error), cure=error.cure)
        raise typer.Exit(FAILED) from None
    except (ClusterError, httpx.HTTPError, OSError) as error:
        _complain(str(error) or repr(error))
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        if ends_by_interrupt:
            raise typer.Exit(DONE) from None
        errors.print("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(code or DONE)


def run_app(app: typer.Typer) -> None:
    """Run the command line; what nobody foresaw is one line, too, unless SUP_DEBUG is set."""
    if os.environ.get(DEBUG_VARIABLE):
        app()
        return
    try:
        app()
    except WrongUse as error:
        _complain(str(error))
        sys.exit(WRONG_USE)
    except Exception as error:  # the last resort of a program that people read
        _complain(
            f"{type(error).__name__}: {error}",
            cure=f"this is an error of kubectl sup itself; {DEBUG_VARIABLE}=1 shows where it is",
        )
        sys.exit(FAILED)


def print_document(document: Any, output: Format) -> None:
    """Print a document as JSON or YAML, without colours or line breaks of the terminal's."""
    if output is Format.YAML:
        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
    else:
        print(json.dumps(document, indent=2, ensure_ascii=False))


def print_rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns as kubectl does: aligned, without lines, the last one of any width."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("   ".join(cells).rstrip())


def confirm_name(question: str, *, name: str, yes: bool) -> None:
    """Ask for the name of what is about to go; WrongUse when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUse("there is no terminal to ask at; --yes goes on without asking")
    console.print(question)
    if typer.prompt(f"Type its name ({name}) to go on", default="", show_default=False) != name:
        raise VerbFailure("not confirmed; nothing was changed")


def _complain(message: str, *, cure: str = "") -> None:
    errors.print(f"[red]error:[/red] {_escape(message)}")
    if cure:
        errors.print(f"[bold]do:[/bold] {_escape(cure)}")


def _escape(text: str) -> str:
    return text.replace("[", "\\[")
