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


@app.callback()
def main() -> None:
    """Work with SUP Messenger instances."""


app.command(epilog=setup.EXAMPLES)(setup.setup)
app.command(epilog=deploy.EXAMPLES)(deploy.deploy)
app.command(epilog=status.EXAMPLES)(status.status)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
app.command(epilog=logs.EXAMPLES)(logs.logs)
app.command("open", epilog=open.EXAMPLES)(open.open_page)
app.command(epilog=stop.EXAMPLES)(stop.stop)
app.command(epilog=start.EXAMPLES)(start.start)
app.command(epilog=restart.EXAMPLES)(restart.restart)
app.add_typer(migrate.app, name="migrate", epilog=migrate.EXAMPLES)
app.add_typer(backup.app, name="backup", epilog=backup.EXAMPLES)
app.command(epilog=clean.EXAMPLES)(clean.clean)
app.command(epilog=build.EXAMPLES)(build.build)
app.command(epilog=smoke.EXAMPLES)(smoke.smoke)


def run() -> None:
    """Run the command line."""
    run_app(app)
