"""Whether what the spec names can be reached at all: hosts by TCP, the domain by DNS."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.spec import Spec

TIMEOUT_SECONDS = 2.0
# A pass follows each event; the outside is asked at most this often.
REMEMBERED_SECONDS = 30.0


class Reach:
    """Remembers answers for a moment, so that many passes ask once."""

    def __init__(self, lookup: Callable[[str], Awaitable[tuple[str, ...]]] | None = None) -> None:
        self._lookup = lookup or look_up
        self._hosts: dict[tuple[str, int], tuple[float, str]] = {}
        self._domains: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def check_hosts(self, spec: Spec) -> None:
        """Refuse a spec that names a host nobody answers at."""
        targets = find_external_hosts(spec)
        errors = await asyncio.gather(*(self._probe(host, port) for _, host, port in targets))
        for (field, host, port), error in zip(targets, errors, strict=True):
            if error:
                raise Stalled(
                    f"{host}:{port} can't be reached ({error}); start it, or correct host and"
                    " port, or let the operator's namespace through its firewall",
                    field=field,
                    reason="ExternalUnreachable",
                    is_outside=True,
                )

    async def resolve(self, domain: str) -> tuple[str, ...]:
        """Return the addresses that the domain resolves to here; none when it does not."""
        known = self._domains.get(domain)
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        addresses: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                addresses = await self._lookup(domain)
        except (OSError, TimeoutError, UnicodeError):
            pass  # it does not resolve, or is no name at all, which is the answer
        self._domains[domain] = (time.monotonic(), addresses)
        return addresses

    async def _probe(self, host: str, port: int) -> str:
        known = self._hosts.get((host, port))
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        error = ""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except TimeoutError:
            error = f"no answer within {TIMEOUT_SECONDS:.0f} s"
        except UnicodeError:
            error = "it is no name of a host"
        except OSError as failure:
            error = failure.strerror or str(failure)
        self._hosts[(host, port)] = (time.monotonic(), error)
        return error


async def look_up(domain: str) -> tuple[str, ...]:
    """Return the addresses of a domain as this machine's resolver has them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(domain, None, type=socket.SOCK_STREAM)
    return tuple(sorted({str(entry[4][0]) for entry in found}))


def find_external_hosts(spec: Spec) -> list[tuple[str, str, int]]:
    """Return every external host of a spec as field path, host and port."""
    found: list[tuple[str, str, int]] = []
    if spec.postgres.external is not None:
        external = spec.postgres.external
        found.append(("spec.postgres.external.host", external.host, external.port))
    if spec.redis.external is not None:
        for part in ("cache", "state"):
            address = getattr(spec.redis.external, part)
            found.append((f"spec.redis.external.{part}.host", address.host, address.port))
    if spec.rabbitmq.external is not None:
        broker = spec.rabbitmq.external
        found.append(("spec.rabbitmq.external.host", broker.host, broker.port))
    if spec.object_storage.external is not None:
        url = urlsplit(spec.object_storage.external.endpoint)
        port = url.port or (443 if url.scheme == "https" else 80)
        found.append(("spec.objectStorage.external.endpoint", url.hostname or "", port))
    return found
