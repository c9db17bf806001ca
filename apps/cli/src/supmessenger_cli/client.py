"""A client of one instance: HTTPS and WSS through the edge's address, verified by its CA."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from supmessenger_cli.target import Target

TIMEOUT_SECONDS = 15.0
BUFFERED_EVENTS = 10_000


class Refused(Exception):
    """The instance answered with a problem document."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.body = _parse_problem(response)
        self.code: str = self.body.get("code", "")
        super().__init__(
            f"{response.request.method} {response.request.url.path} answered {self.status} "
            f"{self.code}: {self.body.get('detail') or self.body.get('title') or ''}"
        )


@dataclass
class Client:
    """One device of one account."""

    target: Target
    http: httpx.AsyncClient
    user: str = ""
    device: str = ""
    access_token: str = ""
    refresh_token: str = ""

    async def call(
        self, method: str, path: str, *, expect: tuple[int, ...] = (200, 201, 204), **kwargs: Any
    ) -> httpx.Response:
        """Call the edge; raises Refused when the status is none of the expected ones."""
        headers = dict(kwargs.pop("headers", {}))
        if self.access_token:
            headers["Authorization"] = f"Bearer {self.access_token}"
        response = await self.http.request(method, path, headers=headers, **kwargs)
        if response.status_code not in expect:
            raise Refused(response)
        return response

    async def call_json(self, method: str, path: str, **kwargs: Any) -> Any:
        """Call the edge and parse the JSON of the answer."""
        return (await self.call(method, path, **kwargs)).json()

    async def register(self, *, username: str, email: str, password: str) -> str:
        """Create the account; returns its status, `pending` or `active`."""
        body = {
            "email": email,
            "username": username,
            "displayName": username.title(),
            "password": password,
        }
        account = await self.call_json("POST", "/api/v1/accounts", json=body)
        return str(account["status"])

    async def log_in(self, *, login: str, password: str) -> None:
        """Open a session on a new device."""
        device = {"name": "smoke", "registrationId": secrets.randbelow(16380) + 1}
        body = {"login": login, "password": password, "device": device}
        self._remember(await self.call_json("POST", "/api/v1/sessions", json=body))

    async def refresh(self) -> None:
        """Trade the refresh token for a new pair."""
        body = {"refreshToken": self.refresh_token}
        self._remember(await self.call_json("POST", "/api/v1/sessions/refresh", json=body))

    def _remember(self, session: dict[str, Any]) -> None:
        self.user, self.device = session["userId"], session["deviceId"]
        self.access_token, self.refresh_token = session["accessToken"], session["refreshToken"]


@dataclass
class Socket:
    """An authenticated socket whose events are kept until someone waits for them."""

    connection: ClientConnection
    events: list[dict[str, Any]] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _closed: bool = False
    _next_ref: int = 1

    async def send(self, frame: dict[str, Any]) -> int:
        """Send a frame with a fresh `ref`; returns the ref."""
        ref = self._next_ref
        self._next_ref += 1
        await self.connection.send(orjson.dumps({**frame, "ref": ref}).decode())
        return ref

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Send a frame and wait for the answer that echoes its `ref`."""
        ref = await self.send(frame)
        return await self.wait_for(lambda event: event.get("ref") == ref)

    async def wait_for(
        self, matches: Callable[[dict[str, Any]], bool], *, timeout: float = TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        """Return (and take out) the first event that matches; TimeoutError when none comes."""
        async with asyncio.timeout(timeout), self._arrived:
            while True:
                for index, event in enumerate(self.events):
                    if matches(event):
                        return self.events.pop(index)
                if self._closed:
                    raise ConnectionError(f"the socket was closed: {self.connection.close_code}")
                await self._arrived.wait()

    async def listen(self) -> None:
        """Collect events until the socket closes."""
        try:
            async for message in self.connection:
                async with self._arrived:
                    self.events.append(orjson.loads(message))
                    del self.events[:-BUFFERED_EVENTS]
                    self._arrived.notify_all()
        finally:
            async with self._arrived:
                self._closed = True
                self._arrived.notify_all()


@asynccontextmanager
async def open_client(target: Target) -> AsyncIterator[Client]:
    """Open an HTTP client that talks to the edge's address in the name of its domain."""
    scheme = "https" if target.tls else "http"
    async with httpx.AsyncClient(
        base_url=f"{scheme}://{target.address}:{target.port}",
        headers={"Host": target.domain},
        verify=target.tls or False,
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
        event_hooks={"request": [_name_server(target.domain)]},
    ) as http:
        yield Client(target=target, http=http)


@asynccontextmanager
async def open_socket(client: Client) -> AsyncIterator[Socket]:
    """Open and authenticate a socket."""
    target = client.target
    scheme = "wss" if target.tls else "ws"
    async with connect(
        f"{scheme}://{target.domain}/ws",
        host=target.address,
        port=target.port,
        ssl=target.tls,
        open_timeout=TIMEOUT_SECONDS,
        proxy=None,
        compression=None,
    ) as connection:
        socket = Socket(connection)
        listener = asyncio.create_task(socket.listen())
        try:
            ready = await socket.ask({"type": "auth", "token": client.access_token})
            if ready["type"] != "ready":
                raise ConnectionError(f"the socket refused to authenticate: {ready}")
            yield socket
        finally:
            await connection.close()
            await asyncio.gather(listener, return_exceptions=True)


def _name_server(domain: str) -> Callable[[httpx.Request], Any]:
    async def set_server_name(request: httpx.Request) -> None:
        # The address is the edge's; the name in the handshake and the one verified is the domain.
        request.extensions = {**request.extensions, "sni_hostname": domain}

    return set_server_name


def _parse_problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {"title": response.text[:200]}
    return body if isinstance(body, dict) else {"title": str(body)[:200]}
