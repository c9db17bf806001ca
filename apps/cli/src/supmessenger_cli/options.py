"""The options that every verb shares, spelled as kubectl spells them."""

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How a verb prints: a table for people, the others for scripts."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Name = Annotated[
    str | None,
    typer.Argument(help="Name of the SupMessenger; may be left out when there is only one."),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Its namespace; default: that of the context."),
]
Context = Annotated[str | None, typer.Option("--context", help="The kubeconfig context to use.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="Format of the output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=1, help="Longest time to wait, in seconds.")
]
