"""`kubectl sup`: verbs on instances. Exit codes: 0 done, 1 it failed, 2 wrong use."""

import typer

from supmessenger_cli.terminal import run_app
from supmessenger_cli.verbs import (
    backup,
    build,
    clean,
    deploy,
    doctor,
    logs,
    migrate,
    open,
    restart,
    setup,
    smoke,
    start,
    status,
    stop,
)

HELP = """Work with SUP Messenger instances.

Exit codes: 0 done, 1 it failed, 2 wrong use."""

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=HELP
)


def build_epilog(text: str) -> str:
    """Return `sentence Examples: one · other` with each example on a line of its own."""
    before, _, after = text.partition("Example")
    lines = "\n".join(f"  {one.strip()}" for one in after.partition(": ")[2].split(" · "))
    # The sign keeps the lines of the block as they are.
    return f"{before.strip()}\n\n\b\nExamples:\n{lines}".strip()


@app.callback()
def main() -> None:
    """Work with SUP Messenger instances."""


app.command(epilog=build_epilog(setup.EXAMPLES))(setup.setup)
app.command(epilog=build_epilog(deploy.EXAMPLES))(deploy.deploy)
app.command(epilog=build_epilog(status.EXAMPLES))(status.status)
app.command(epilog=build_epilog(doctor.EXAMPLES))(doctor.doctor)
app.command(epilog=build_epilog(logs.EXAMPLES))(logs.logs)
app.command("open", epilog=build_epilog(open.EXAMPLES))(open.open_page)
app.command(epilog=build_epilog(stop.EXAMPLES))(stop.stop)
app.command(epilog=build_epilog(start.EXAMPLES))(start.start)
app.command(epilog=build_epilog(restart.EXAMPLES))(restart.restart)
app.add_typer(migrate.app, name="migrate", epilog=build_epilog(migrate.EXAMPLES))
app.add_typer(backup.app, name="backup", epilog=build_epilog(backup.EXAMPLES))
app.command(epilog=build_epilog(clean.EXAMPLES))(clean.clean)
app.command(epilog=build_epilog(build.EXAMPLES))(build.build)
app.command(epilog=build_epilog(smoke.EXAMPLES))(smoke.smoke)


def run() -> None:
    """Run the command line."""
    run_app(app)
