"""The tunnel leads to one address, and only who asks for its name."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from support.listeners import serve_connections
from support.processes.servers import probe_free_port

from supmessenger_cli.calls.tunnel import open_tunnel

DOMAIN = "chat.example.org"


async def ask(proxy: str, request: bytes) -> bytes:
    """Send a request to the proxy and return all it answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(proxy).port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_bytes_go_to_the_address_and_back() -> None:
    async with (
        serve_connections(answer=b"hello") as port,
        open_tunnel(f"{DOMAIN}:443", address="127.0.0.1", port=port) as proxy,
    ):
        request = f"CONNECT {DOMAIN}:443 HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\nhi".encode()
        head, _, rest = (await ask(proxy, request)).partition(b"\r\n\r\n")
    assert head.split()[1] == b"200"
    assert rest == b"hello"


async def test_other_names_are_refused() -> None:
    port = probe_free_port()
    async with open_tunnel(f"{DOMAIN}:443", address="127.0.0.1", port=port) as proxy:
        for target in ("elsewhere.example.org:443", f"{DOMAIN}:1", f"{DOMAIN}.evil:443"):
            answer = await ask(proxy, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
            assert answer.split()[1] == b"403"


async def test_a_bad_request_or_an_address_where_nobody_is_ends_the_connection_only() -> None:
    port = probe_free_port()
    async with open_tunnel(f"{DOMAIN}:443", address="127.0.0.1", port=port) as proxy:
        assert await ask(proxy, b"x" * 100_000) == b""
        assert await ask(proxy, f"CONNECT {DOMAIN}:443 HTTP/1.1\r\n\r\n".encode()) == b""
