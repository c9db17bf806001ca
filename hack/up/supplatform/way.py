"""How the edge is reached from here, and what is done when the way there breaks."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from supnode.failure import Failure
from supnode.providers.border import NATIVE
from supplatform.tools import Tools

FORWARDED = re.compile(r"127\.0\.0\.1:\d+")
ATTEMPTS = 4
# kubectl ends a moment after the last connection through it.
END_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to an edge: flags of the smoke client, and the port-forward where one is needed."""

    flags: tuple[str, ...] = ()
    forward: subprocess.Popen[str] | None = None

    def is_lost(self) -> bool:
        """Tell whether the port-forward ended by itself."""
        if self.forward is None:
            return False
        try:
            self.forward.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True


@contextmanager
def open_way(tools: Tools, *, namespace: str, service: str) -> Iterator[Way]:
    """Open a way to an edge: a native node's address is reached as it is."""
    if tools.provider == NATIVE:
        yield Way()
        return
    argv = [str(tools.binaries / "kubectl"), "--kubeconfig", str(tools.kubeconfig)]
    with forward_port(argv, namespace=namespace, service=service) as way:
        yield way


@contextmanager
def forward_port(kubectl: Sequence[str], *, namespace: str, service: str) -> Iterator[Way]:
    """Forward a free port to a Service's 443."""
    argv = [*kubectl, "port-forward", "-n", namespace, f"service/{service}", ":443"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as forward:
        try:
            assert forward.stdout is not None  # asked for above
            found = FORWARDED.search(forward.stdout.readline())
            if found is None:
                raise Failure(
                    f"no port-forward to {service}", cure=f"kubectl get svc -n {namespace}"
                )
            yield Way(flags=("--address", found.group()), forward=forward)
        finally:
            forward.terminate()


def hold_until_heard(
    hold: Callable[[Way], bool], *, opened: Callable[[], AbstractContextManager[Way]]
) -> bool:
    """Return how a conversation ended; it is held again when its way was lost below it.

    kubectl ends a port-forward with all its connections when one of them is reset. A socket that
    the server closes does just that: nginx has closed by the time the client says goodbye.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with opened() as way:
            done = hold(way)
            if done or not way.is_lost():
                return done
        then = "once more, on a new one" if attempt < ATTEMPTS else "given up"
        print(f"the port-forward was lost: {then}", flush=True)
    return False
