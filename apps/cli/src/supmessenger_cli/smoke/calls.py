"""Calls: two clients hear and see one another, directly and over the relay alone."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from supmessenger_cli.calls.meeting import has_sdk, hold_meeting
from supmessenger_cli.calls.task import HIGH_BLUE, LOW_RED, Report, build_task
from supmessenger_cli.calls.tunnel import open_tunnel
from supmessenger_cli.client import Socket, open_socket
from supmessenger_cli.conversation import SmokeFailure
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.target import Target

WITHOUT_SDK = "call: no media shown, because this CLI is without its extra `calls`"


async def check_calls(stage: Stage) -> None:
    """Ring, talk, hang up; a relay that the instance has must carry a call by itself."""
    async with open_socket(stage.bob.client) as socket:
        await socket.ask({"type": "resume", "chats": []})
        call = await _ring(stage, socket)
        if has_sdk():
            await _talk(stage, socket, call)
        else:
            async with stage.story.step(WITHOUT_SDK):
                await _join_both(stage, call)
        await _hang_up(stage, socket, call, answered=has_sdk())


async def _ring(stage: Stage, socket: Socket) -> str:
    async with stage.story.step("alice: call started, rings on bob's socket"):
        path = f"/api/v1/chats/{stage.chat}/calls"
        call = await stage.alice.client.call_json("POST", path, json={"kind": "video"})
        await _wait_for_status(socket, call["id"], "ringing")
    return str(call["id"])


async def _talk(stage: Stage, socket: Socket, call: str) -> None:
    async with stage.story.step("alice and bob: sound and picture both ways, through the edge"):
        reports = await hold_call(stage.target, await _join_both(stage, call), relay_only=False)
        if any(report.route.is_relayed for report in reports):
            raise SmokeFailure("media went over the relay although a direct way was allowed")
        await _wait_for_status(socket, call, "active")
    conditions = {one["type"] for one in stage.resource["status"]["conditions"]}
    if "TurnReady" not in conditions:
        return
    async with stage.story.step("alice and bob: sound and picture both ways, over TURN alone"):
        reports = await hold_call(stage.target, await _join_both(stage, call), relay_only=True)
        if not all(report.route.is_relayed for report in reports):
            raise SmokeFailure(f"media took another way than the relay: {reports}")


async def _hang_up(stage: Stage, socket: Socket, call: str, *, answered: bool) -> None:
    async with stage.story.step("alice: call ended, bob's socket hears of it"):
        await stage.alice.client.call("POST", f"/api/v1/calls/{call}/end")
        await _wait_for_status(socket, call, "ended" if answered else "missed")


async def _join_both(stage: Stage, call: str) -> Sequence[Mapping[str, Any]]:
    return [
        await person.client.call_json("POST", f"/api/v1/calls/{call}/join")
        for person in (stage.alice, stage.bob)
    ]


async def _wait_for_status(socket: Socket, call: str, status: str) -> None:
    await socket.wait_for(
        lambda event: (
            event["type"] == "call"
            and event["call"]["id"] == call
            and event["call"]["status"] == status
        )
    )


async def hold_call(
    target: Target, admissions: Sequence[Mapping[str, Any]], *, relay_only: bool
) -> Sequence[Report]:
    """Let two who were let in hear and see one another; returns what both report."""
    first, second = [{**one, "url": build_url(target, one["url"])} for one in admissions]
    if relay_only and not first["iceServers"]:
        raise SmokeFailure("the instance has a relay, and its API tells nobody where")
    tasks = (
        build_task(first, relay_only=relay_only, send=LOW_RED, expect=HIGH_BLUE),
        build_task(second, relay_only=relay_only, send=HIGH_BLUE, expect=LOW_RED),
    )
    async with (
        _lead_to(target, first["url"]) as environment,
        hold_meeting(tasks, environment=environment) as reports,
    ):
        return reports


def build_url(target: Target, url: str) -> str:
    """Return where to signal: an edge without TLS of its own is asked without."""
    parts = urlsplit(url)
    if parts.hostname != target.domain or target.tls is not None:
        return url
    return urlunsplit(parts._replace(scheme="ws"))


@asynccontextmanager
async def _lead_to(target: Target, url: str) -> AsyncIterator[Mapping[str, str]]:
    """Yield the environment by which the SDK finds the edge's address and trusts its authority."""
    parts = urlsplit(url)
    if parts.hostname != target.domain:
        yield {}
        return
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    name = f"{target.domain}:{port}"
    with tempfile.TemporaryDirectory(prefix="sup-call-") as folder:
        trust = _write_trust(Path(folder), target.tls)
        async with open_tunnel(name, address=target.address, port=target.port) as proxy:
            proxies = {f"{scheme}_PROXY": proxy for scheme in ("HTTP", "HTTPS")}
            yield {**trust, **proxies, "NO_PROXY": "", "no_proxy": ""}


def _write_trust(folder: Path, tls: ssl.SSLContext | None) -> Mapping[str, str]:
    known = tls.get_ca_certs(binary_form=True) if tls is not None else []
    if not known:
        return {}
    path = folder / "ca.crt"
    path.write_text("".join(ssl.DER_cert_to_PEM_cert(one) for one in known))
    return {"SSL_CERT_FILE": str(path)}
