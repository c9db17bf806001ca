"""What every provider offers, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from supnode.failure import Failure
from supnode.steps import Steps

NATIVE, KIND, CURRENT = "native", "kind", "current"
VARIABLE = "SUP_PROVIDER"


class Provider(Protocol):
    """A cluster with a kubeconfig and a registry to push to."""

    def up(self, steps: Steps) -> None:
        """Bring the cluster up; does little if it is up already."""

    def down(self, steps: Steps) -> None:
        """Stop it and leave nothing running; data stays."""

    def clean(self, steps: Steps) -> None:
        """Stop it and remove its data."""

    def status(self) -> str:
        """Return a description for a person."""

    def kubeconfig(self) -> Path:
        """Return the path of the kubeconfig; a Failure if the cluster is not up."""


@dataclass(frozen=True)
class Choice:
    """Which provider, and why: the reason is said aloud."""

    name: str
    reason: str


def choose_provider(
    *, asked: str, env: Mapping[str, str], probe_engine: Callable[[], str]
) -> Choice:
    """Return the provider: the one asked for, else by what the machine offers.

    `current` is taken only when asked for, since it means somebody's real cluster. `probe_engine`
    returns the version of the Docker engine that answers, or nothing.
    """
    wanted = asked or env.get(VARIABLE, "")
    if wanted:
        if wanted not in {NATIVE, KIND, CURRENT}:
            raise Failure(
                f"there is no provider '{wanted}'", cure=f"choose {NATIVE}, {KIND} or {CURRENT}"
            )
        return Choice(wanted, "asked for by --provider" if asked else f"asked for by {VARIABLE}")
    engine = probe_engine()
    if engine:
        return Choice(KIND, f"Docker engine {engine} answers")
    return Choice(NATIVE, "no Docker engine answers")
