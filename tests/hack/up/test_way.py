"""The way to an edge: a port-forward that breaks is opened again, a failed conversation is told."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from supnode.failure import Failure
from supplatform.way import ATTEMPTS, Way, forward_port, hold_until_heard

# Stands where kubectl does: says where it forwards to, and ends when a file is there.
FORWARDER = """
import pathlib, sys, time
print("Forwarding from 127.0.0.1:4443 -> 8443", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""


class Forwards:
    """Port-forwards that can be broken one by one."""

    def __init__(self, folder: Path) -> None:
        self.opened = 0
        self._folder = folder

    @property
    def breaker(self) -> Path:
        return self._folder / f"break-{self.opened}"

    def open(self) -> AbstractContextManager[Way]:
        self.opened += 1
        argv = (sys.executable, "-c", FORWARDER, str(self.breaker))
        return forward_port(argv, namespace="chat", service="demo-edge")


@pytest.fixture
def forwards(tmp_path: Path) -> Forwards:
    return Forwards(tmp_path)


def test_a_conversation_is_held_again_when_its_port_forward_was_lost(forwards: Forwards) -> None:
    def hold(way: Way) -> bool:
        assert way.flags == ("--address", "127.0.0.1:4443")
        if forwards.opened == 1:
            forwards.breaker.touch()
        return forwards.opened > 1

    assert hold_until_heard(hold, opened=forwards.open)
    assert forwards.opened == 2


def test_a_conversation_that_fails_on_a_whole_way_is_not_held_again(forwards: Forwards) -> None:
    assert not hold_until_heard(lambda _: False, opened=forwards.open)
    assert forwards.opened == 1


def test_a_way_that_breaks_every_time_is_given_up(
    forwards: Forwards, capsys: pytest.CaptureFixture[str]
) -> None:
    def hold(way: Way) -> bool:
        forwards.breaker.touch()
        return False

    assert not hold_until_heard(hold, opened=forwards.open)
    assert forwards.opened == ATTEMPTS
    *again, last = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in again] == ["once more, on a new one"] * 3
    assert last.endswith("given up")


def test_an_address_that_needs_no_port_forward_cannot_be_lost() -> None:
    assert not Way().is_lost()


def test_a_port_forward_that_does_not_come_about_names_the_service() -> None:
    argv = (sys.executable, "-c", "")
    opened = forward_port(argv, namespace="chat", service="demo-edge")
    with pytest.raises(Failure, match="no port-forward to demo-edge"), opened:
        pass
