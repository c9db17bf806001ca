"""An archive fills a fresh instance by the very commands of docs/backup.md."""

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.instance import Instance, Member, make_tiny, wait_until

from supmessenger_cli.client import Client, open_client
from supmessenger_cli.picture import build_png
from supmessenger_cli.wire import encode_bytes

pytestmark = pytest.mark.node

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "backup.md"
MESSAGES = [f"message {number}" for number in range(5)]
DIGESTS = """psql -qAt -U postgres sup <<'SQL'
SELECT format(
  'SELECT %L, count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''''))'
  ' FROM %I t', tablename, tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1
\\gexec
SQL"""
OBJECTS = """
import hashlib, json
from dataclasses import replace
from pathlib import Path
from supmessenger_common.bindings import read_object_storage
from supmessenger_worker.backup.objects import open_store
store = open_store(replace(read_object_storage(Path("/bindings")), bucket_prefix="copy-"))
found = {}
for stored in store.list_objects():
    with store.open_object(stored) as content:
        found[stored.member] = hashlib.sha256(content.read(content.size)).hexdigest()
members = json.loads(Path("/scratch/restore/manifest.json").read_text())["members"]
expected = {m["name"]: m["sha256"] for m in members if m["name"] != "database.dump"}
print(json.dumps({"found": found, "expected": expected}))
"""


def read_steps() -> list[str]:
    """Return the shell commands of the guide's section, one text a step."""
    section = GUIDE.read_text().split("## A restore by hand")[1].split("### ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


async def run_shell(script: str, folder: Path) -> str:
    """Run commands as a person would paste them, stopping at the first that fails."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=folder,
        env=os.environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{script}\n{out.decode()}"
    return out.decode()


async def digest_tables(instance: Instance) -> list[str]:
    """Return name, count and digest of the rows of every table."""
    pod = f"{instance.name}-postgres-0"
    out = await instance.kubectl.run(
        *("exec", "-n", instance.namespace, pod, "--", "sh", "-euc", DIGESTS)
    )
    return out.splitlines()


async def back_up(demo: Instance) -> str:
    """Run the CronJob's Job now; return the archive's path."""
    job = f"demo-backup-{secrets.token_hex(4)}"
    where = ("-n", demo.namespace)
    await demo.kubectl.run("create", "job", job, "--from=cronjob/demo-backup", *where)

    async def is_over() -> bool:
        status = (await demo.get("job", job)).get("status", {})
        return bool(status.get("succeeded") or status.get("failed"))

    await wait_until(is_over, timeout=300, what="the backup to end")
    log = await demo.kubectl.run("logs", f"job/{job}", "-c", "backup", *where)
    archive: str = json.loads(log.splitlines()[-1])["archive"]
    await demo.kubectl.run("delete", "job", job, *where)
    return archive


@pytest.fixture
async def copy(demo: Instance, tmp_path: Path) -> AsyncIterator[Instance]:
    """Where the archive goes: not there yet, removed with its data afterwards."""
    (tmp_path / "copy.yaml").write_text(json.dumps(make_tiny("copy")))
    instance = Instance("copy", demo.namespace)
    yield instance
    where = ("-n", demo.namespace, "--ignore-not-found")
    await demo.kubectl.run("delete", "pod", "copy-restore", "--now", *where)
    await instance.remove_with_data()


async def write_history(demo: Instance, alice: Member, bob: Member) -> tuple[str, str, bytes]:
    """Send messages and a picture; return chat, file and the picture's bytes."""
    chat = await alice.client.call_json(
        "POST", "/api/v1/chats", json={"type": "direct", "memberIds": [bob.client.user]}
    )
    for content in MESSAGES:
        body = {
            "clientMsgId": secrets.token_hex(16),
            "contentType": "text/plain",
            "content": encode_bytes(content.encode()),
        }
        await alice.client.call("POST", f"/api/v1/chats/{chat['id']}/messages", json=body)
    picture = build_png(width=320, height=200)
    uploaded = await alice.client.call_json(
        "POST",
        "/media/v1/files",
        data={"chatId": chat["id"], "purpose": "attachment", "encrypted": "false"},
        files={"file": ("picture.png", picture, "image/png")},
    )
    return chat["id"], uploaded["id"], picture


async def read_history(client: Client, chat: str) -> list[str]:
    """Return the contents of a chat's messages in their order."""
    page = await client.call_json("GET", f"/api/v1/chats/{chat}/messages?after=0")
    return [message["content"] for message in page["messages"]]


@pytest.mark.timeout(1500)
async def test_an_archive_restored_by_hand_is_the_same_and_works(
    demo: Instance, copy: Instance, tmp_path: Path
) -> None:
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        chat, file, picture = await write_history(demo, alice, bob)
    archive = await back_up(demo)
    expected = await digest_tables(demo)

    steps = read_steps()
    assert len(steps) == 6
    filling = re.sub(
        r"^ARCHIVE=.*$", f"ARCHIVE={archive}", "\n".join(steps[:5]), flags=re.MULTILINE
    )
    await run_shell(filling, tmp_path)
    assert await digest_tables(copy) == expected
    where = ("exec", "-n", copy.namespace, "copy-restore", "-c", "worker", "--")
    objects = json.loads(await copy.kubectl.run(*where, "python3", "-c", OBJECTS))
    assert objects["found"] == objects["expected"]
    assert objects["found"]

    await run_shell(steps[5], tmp_path)
    await copy.wait_until_ready()
    async with open_client(await copy.target()) as client:
        await client.log_in(login=bob.username, password=bob.password)
        history = await read_history(client, chat)
        assert history == [encode_bytes(content.encode()) for content in MESSAGES]
        assert (await client.call("GET", f"/media/v1/files/{file}")).content == picture
