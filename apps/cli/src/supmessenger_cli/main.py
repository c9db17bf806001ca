"""`kubectl sup`: verbs on instances. Exit codes: 0 done, 1 it failed, 2 wrong use."""

import typer

from supmessenger_cli.terminal import run_app
from supmessenger_cli.verbs import smoke

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Work with SUP Messenger instances.",
)


@app.callback()
def main() -> None:
    """Work with SUP Messenger instances."""


app.command(epilog=smoke.EXAMPLES)(smoke.smoke)


def run() -> None:
    """Run the command line."""
    run_app(app)
