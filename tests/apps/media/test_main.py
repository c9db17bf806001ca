"""The media service as a process, and as others find it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate
from support.bindings import write_binding
from support.media_service import DOMAIN, Media, run_app
from support.processes.servers import probe_free_port
from support.waiting import wait_until

from supmessenger_media.main import build_app
from supmessenger_media.settings import MediaSettings


def test_the_description_of_the_api_is_valid_and_names_the_form() -> None:
    app = build_app(MediaSettings(domain=DOMAIN))
    document = app.openapi()
    validate(document)
    assert set(document["paths"]) == {
        "/v1/files",
        "/v1/files/{file_id}",
        "/v1/files/{file_id}/thumbnail",
        "/v1/files/{file_id}/renditions",
        "/v1/files/{file_id}/renditions/{name}",
    }
    assert set(document["paths"]["/v1/files/{file_id}"]) == {"get", "head", "delete"}
    form = document["paths"]["/v1/files"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(form["schema"]["properties"]) == {
        *("chatId", "purpose", "encrypted", "file", "thumbnail"),
    }


@pytest.mark.services
async def test_it_starts_without_the_database_and_says_so(
    bindings_folder: Path, redis_bindings: Path, object_storage_binding: Path, media: Media
) -> None:
    write_binding(bindings_folder, "postgres", {"port": str(probe_free_port())})
    settings = MediaSettings(SERVICE_BINDING_ROOT=bindings_folder, domain=DOMAIN)
    async with run_app(build_app(settings), settings) as port, open_client(port) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    failed = [check["name"] for check in answer.json()["checks"] if not check["ok"]]
    assert failed == ["postgres"]


@pytest.mark.services
async def test_told_to_end_it_finishes_an_upload_and_ends_with_zero(
    media: Media, bindings_folder: Path, tmp_path: Path
) -> None:
    ada = await media.register("ada")
    port = probe_free_port()
    async with run_process(bindings_folder, port, tmp_path / "log") as process:
        async with open_client(port) as client:
            await wait_until(lambda: is_ready(client), what="the service to be ready", seconds=20)
            upload = asyncio.create_task(
                client.post(
                    "/v1/files",
                    headers={
                        **ada.headers,
                        "Content-Type": "multipart/form-data; boundary=slow",
                    },
                    content=send_slowly(process, log=tmp_path / "log"),
                )
            )
            answer = await upload
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    assert answer.status_code == 201, answer.text
    status = await media.postgres.fetchval("SELECT status FROM media_files")
    assert status == "ready"
    log = (tmp_path / "log").read_text()
    assert ada.token not in log


async def send_slowly(process: asyncio.subprocess.Process, *, log: Path) -> AsyncIterator[bytes]:
    yield b'--slow\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    yield b"x" * 1000
    process.send_signal(signal.SIGTERM)
    await wait_until(lambda: is_draining(log), what="the service to notice the signal")
    yield b"y" * 1000 + b"\r\n--slow--\r\n"


async def is_draining(log: Path) -> bool:
    told = await asyncio.to_thread(log.read_text)
    return '"event":"draining"' in told


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def open_client(port: int) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        yield client


@asynccontextmanager
async def run_process(
    bindings: Path, port: int, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("sup-media")),
            env={
                "PATH": os.environ["PATH"],
                "SERVICE_BINDING_ROOT": str(bindings),
                "SUP_DOMAIN": DOMAIN,
                "SUP_HOST": "127.0.0.1",
                "SUP_PORT": str(port),
                "SUP_METRICS_PORT": "0",
                "SUP_DRAIN_SECONDS": "6",
            },
            stdout=out,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
