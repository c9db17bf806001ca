"""The wire: hygiene of frames, control frames, closing, limits and the cut-off."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from supmessenger_websocket.events import build_text_frame
from supmessenger_websocket.limits import Limits
from supmessenger_websocket.outbox import Flusher
from supmessenger_websocket.protocol import SocketProtocol

LIMITS = Limits(max_frame_bytes=64 * 1024, frames_burst=1000, frames_rate=1000.0)


class Echo:
    """A session that sends back what it gets and fails when told so."""

    def __init__(self, protocol: SocketProtocol) -> None:
        self.protocol = protocol
        self.ended = asyncio.Event()

    def receive(self, text: str) -> None:
        if text == "fail":
            raise RuntimeError("as asked")
        if text == "close":
            self.protocol.close(4409, "as asked")
        self.protocol.outbox.append(build_text_frame(text.encode()))

    def end(self) -> None:
        self.ended.set()


class Hall:
    """A door that lets everybody in."""

    def __init__(self) -> None:
        self.sessions: list[Echo] = []
        self.protocols: set[SocketProtocol] = set()
        self.port = 0

    def admit(self, protocol: SocketProtocol, request: Request) -> Response | None:
        if request.path == "/ws":
            return protocol.accept(request)
        return protocol.reject(200, "hello")

    def open_session(self, protocol: SocketProtocol) -> Echo:
        self.sessions.append(Echo(protocol))
        return self.sessions[-1]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def forget(self, protocol: SocketProtocol) -> None:
        self.protocols.discard(protocol)


@asynccontextmanager
async def run_echo(limits: Limits = LIMITS) -> AsyncIterator[Hall]:
    loop, hall = asyncio.get_running_loop(), Hall()
    flusher = Flusher(loop)

    def build() -> SocketProtocol:
        protocol = SocketProtocol(hall, limits=limits, flusher=flusher, loop=loop)
        hall.protocols.add(protocol)
        return protocol

    server = await loop.create_server(build, "127.0.0.1", 0)
    hall.port = int(server.sockets[0].getsockname()[1])
    try:
        yield hall
    finally:
        server.close()
        for protocol in list(hall.protocols):
            protocol.cut()


def open_client(hall: Hall, **options: Any) -> connect:
    settings: dict[str, Any] = {
        "compression": None,
        "ping_interval": None,
        "max_queue": None,
        "proxy": None,
    }
    return connect(hall.url, **(settings | options))


async def read_close_code(client: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    return client.close_code


class Peer:
    """A client that writes its own bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def write_frame(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        self.writer.write(bytes([(0x80 if final else 0) | opcode]) + length + mask + masked)

    async def read_frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            head = await self.reader.readexactly(2)
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            return head[0] & 0x0F, await self.reader.readexactly(size)

    async def read_close_code(self) -> int:
        while True:
            opcode, payload = await self.read_frame()
            if opcode == 8:
                return int(struct.unpack("!H", payload[:2])[0])


@asynccontextmanager
async def open_peer(hall: Hall) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    yield Peer(reader, writer)
    writer.close()


async def test_messages_go_in_and_out() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        for text in ("", "x", "ü" * 30_000):
            await client.send(text)
            assert await client.recv() == text


async def test_fragments_become_one_message_with_a_ping_in_between() -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        euro = "€".encode()
        peer.write_frame(1, b"a" + euro[:1], final=False)
        peer.write_frame(9, b"ping")
        peer.write_frame(0, euro[1:], final=False)
        peer.write_frame(0, b"", final=True)
        assert await peer.read_frame() == (10, b"ping")
        assert await peer.read_frame() == (1, b"a" + euro)


@pytest.mark.parametrize("payload", [b"\xff", b"\xed\xa0\x80", "€".encode()[:2]])
async def test_text_that_is_not_utf8_fails_with_1007(payload: bytes) -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        peer.write_frame(1, payload)
        assert await peer.read_close_code() == 1007


async def test_binary_frames_fail_with_1003() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        await client.send(b"bytes")
        assert await read_close_code(client) == 1003


async def test_a_frame_above_the_limit_fails_with_4413() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        await client.send("x" * (64 * 1024))
        assert len(await client.recv()) == 64 * 1024
        await client.send("x" * (64 * 1024 + 1))
        assert await read_close_code(client) == 4413


async def test_fragments_above_the_limit_fail_with_4413() -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        peer.write_frame(1, b"x" * 40_000, final=False)
        peer.write_frame(0, b"x" * 40_000, final=True)
        assert await peer.read_close_code() == 4413


async def test_unmasked_frames_fail_with_1002() -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        peer.writer.write(b"\x81\x01x")
        assert await peer.read_close_code() == 1002


async def test_a_good_message_ahead_of_a_bad_frame_does_no_harm() -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        mask = bytes(4)
        peer.writer.write(b"\x81\x81" + mask + b"x" + b"\x83\x80" + mask)
        assert await peer.read_close_code() == 1002


async def test_too_many_frames_fail_with_4429() -> None:
    limits = replace(LIMITS, frames_burst=10, frames_rate=0.001)
    async with run_echo(limits) as hall, open_client(hall) as client:
        for number in range(11):
            await client.send(str(number))
        assert await read_close_code(client) == 4429


async def test_a_flood_of_pings_and_empty_fragments_counts_as_frames() -> None:
    limits = replace(LIMITS, frames_burst=10, frames_rate=0.001)
    async with run_echo(limits) as hall, open_peer(hall) as peer:
        peer.write_frame(1, b"", final=False)
        for _ in range(5):
            peer.write_frame(9, b"")
            peer.write_frame(0, b"", final=False)
        assert await peer.read_close_code() == 4429


async def test_pings_are_answered() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        async with asyncio.timeout(10):
            await (await client.ping())


async def test_a_silent_peer_is_pinged_and_stays_when_it_answers() -> None:
    limits = replace(LIMITS, ping_seconds=0.1, pong_seconds=1.0)
    async with run_echo(limits) as hall, open_peer(hall) as peer:
        # For longer than one answer counts.
        for _ in range(15):
            assert await peer.read_frame() == (9, b"")
            peer.write_frame(10, b"")
        assert not hall.sessions[0].ended.is_set()


async def test_a_peer_that_answers_no_ping_is_cut() -> None:
    limits = replace(LIMITS, ping_seconds=0.1, pong_seconds=0.1)
    async with run_echo(limits) as hall, open_peer(hall):
        async with asyncio.timeout(10):
            await hall.sessions[0].ended.wait()
        assert hall.protocols == set()


async def test_an_unfinished_handshake_is_cut() -> None:
    async with run_echo(replace(LIMITS, open_seconds=0.1)) as hall:
        reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
        writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(10):
                await reader.read()
        writer.close()


async def test_the_peers_close_is_answered_with_its_code() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        await client.close(1001, "bye")
        assert client.close_code == 1001
        async with asyncio.timeout(10):
            await hall.sessions[0].ended.wait()


async def test_our_close_comes_after_what_waits() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        hall.sessions[0].protocol.outbox.append(build_text_frame(b"last"))
        hall.sessions[0].protocol.close(4409, "replaced")
        assert await client.recv() == "last"
        assert await read_close_code(client) == 4409


async def test_nothing_is_sent_after_our_close() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        await client.send("close")
        assert await read_close_code(client) == 4409


async def test_a_peer_that_does_not_answer_our_close_is_cut() -> None:
    async with run_echo(replace(LIMITS, close_seconds=0.1)) as hall, open_peer(hall) as peer:
        hall.sessions[0].protocol.close(1012)
        assert await peer.read_close_code() == 1012
        # Sending on does not give more time.
        peer.write_frame(1, b"more")
        async with asyncio.timeout(10):
            await hall.sessions[0].ended.wait()


async def test_a_lost_connection_ends_the_session() -> None:
    async with run_echo() as hall:
        async with open_peer(hall) as peer:
            peer.writer.transport.abort()
            async with asyncio.timeout(10):
                await hall.sessions[0].ended.wait()
        assert hall.protocols == set()


async def test_an_error_of_ours_fails_with_1011_and_leaves_others_alone() -> None:
    async with run_echo() as hall, open_client(hall) as client, open_client(hall) as other:
        await client.send("fail")
        assert await read_close_code(client) == 1011
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_plain_http_is_answered_on_the_same_port() -> None:
    async with run_echo() as hall:
        reader, writer = await asyncio.open_connection("127.0.0.1", hall.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nhello")
        writer.close()


async def test_a_handshake_of_another_version_is_refused() -> None:
    async with run_echo() as hall:
        with pytest.raises(InvalidStatus) as caught:
            async with open_client(hall, additional_headers={"Sec-WebSocket-Version": "12"}):
                pass
        assert caught.value.response.status_code in (400, 426)


async def test_one_turn_is_one_write() -> None:
    async with run_echo() as hall, open_client(hall) as client:
        protocol = hall.sessions[0].protocol
        writes = []
        flush = protocol.outbox._write

        def write(frames: Sequence[bytes]) -> None:
            writes.append(len(frames))
            flush(frames)

        protocol.outbox._write = write
        for number in range(50):
            protocol.outbox.append(build_text_frame(str(number).encode()))
        assert [await client.recv() for _ in range(50)] == [str(n) for n in range(50)]
        assert writes == [50]


async def test_a_reader_that_stalls_is_cut_while_others_go_on() -> None:
    limits = replace(LIMITS, soft_write_bytes=64 * 1024, hard_write_bytes=1024 * 1024)
    frame = build_text_frame(b"x" * 4096)
    async with run_echo(limits) as hall, open_peer(hall), open_client(hall) as other:
        stalled, going = hall.sessions
        sent = 0
        async with asyncio.timeout(30):
            while not stalled.ended.is_set():
                for session in (stalled, going):
                    session.protocol.outbox.append(frame)
                sent += 1
                assert len(await other.recv()) == 4096
        # What the kernels hold for a stalled reader is theirs; ours is bounded.
        assert sent * 4096 < 64 * 1024 * 1024
        assert not going.ended.is_set()
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_a_cut_peer_sees_a_reset_at_once() -> None:
    async with run_echo() as hall, open_peer(hall) as peer:
        hall.sessions[0].protocol.cut()
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(10):
                await peer.reader.read()


async def test_waiting_for_a_stalled_peer_ends_with_the_cut() -> None:
    limits = replace(LIMITS, soft_write_bytes=16 * 1024, stall_seconds=0.2)
    async with run_echo(limits) as hall, open_peer(hall):
        session = hall.sessions[0]
        async with asyncio.timeout(30):
            while session.protocol.open:
                session.protocol.outbox.append(build_text_frame(bytes(60_000)))
                await session.protocol.wait_writable()
            await session.ended.wait()


async def test_waiting_ends_when_the_peer_reads_again() -> None:
    limits = replace(LIMITS, soft_write_bytes=16 * 1024, hard_write_bytes=10**9)
    async with run_echo(limits) as hall, open_client(hall) as client:
        protocol = hall.sessions[0].protocol
        for _ in range(300):
            protocol.outbox.append(build_text_frame(b"x" * 60_000))
            async with asyncio.timeout(10):
                await protocol.wait_writable()
        for _ in range(300):
            assert len(await client.recv()) == 60_000
