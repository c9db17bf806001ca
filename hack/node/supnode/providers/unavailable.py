"""The providers that a later release brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from supnode.failure import Failure
from supnode.providers.border import NATIVE, VARIABLE
from supnode.steps import Steps


@dataclass(frozen=True)
class UnavailableProvider:
    """Answers every verb with what to do instead."""

    name: str

    def _refuse(self) -> NoReturn:
        raise Failure(
            f"the provider '{self.name}' is not available in this release; use {NATIVE}",
            cure=f"{VARIABLE}={NATIVE} make up (as root on Linux)",
        )

    def up(self, steps: Steps) -> None:
        """Refuse."""
        self._refuse()

    def down(self, steps: Steps) -> None:
        """Refuse."""
        self._refuse()

    def clean(self, steps: Steps) -> None:
        """Refuse."""
        self._refuse()

    def status(self) -> str:
        """Refuse."""
        self._refuse()

    def kubeconfig(self) -> Path:
        """Refuse."""
        self._refuse()
