"""`kubectl sup build`: the images, from the checkout one stands in."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from supmessenger_cli.checkout import find_checkout
from supmessenger_cli.terminal import WrongUse, console, run_verb

EXAMPLES = "Examples: kubectl sup build · kubectl sup build api worker"
HOW = (
    "there is no checkout here to build from: clone the repository and run this inside it;"
    " or build with Docker in a checkout elsewhere"
    " (docker build -f apps/Dockerfile --build-arg SERVICE=api .)"
)


def build(
    images: Annotated[
        list[str] | None, typer.Argument(help="Names of images; all of them unless named.")
    ] = None,
) -> None:
    """Build the images of the platform and push them to the node's registry."""
    run_verb(_build(images or []))


async def _build(images: list[str]) -> int:
    checkout = find_checkout(Path.cwd())
    if checkout is None:
        raise WrongUse(HOW)
    console.print(f"building in {checkout}")
    script = str(checkout / "hack/images")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, "build", *images, cwd=checkout
    )
    return 0 if await process.wait() == 0 else 1
