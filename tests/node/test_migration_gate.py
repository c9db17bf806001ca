"""A failing migration stops the rollout, with its SQL error in the status, and nothing else."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.instance import Instance, wait_until

pytestmark = pytest.mark.node

BROKEN = """\
-- Migration: 900_broken
-- Description: Fails on purpose
-- Created: 2026-11-22
-- Dependencies: 003_chat_settings_and_edits.sql

BEGIN;

ALTER TABLE no_such_table ADD COLUMN x integer;

COMMIT;
"""
BROKEN_DOWN = """\
-- Migration: 900_broken (DOWN)

BEGIN;

SELECT 1;

COMMIT;
"""


def build_broken_image(folder: Path, *, base: str) -> str:
    """Build and push an api image with one more migration; returns its reference."""
    (folder / "900_broken.sql").write_text(BROKEN)
    (folder / "900_broken.down.sql").write_text(BROKEN_DOWN)
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY *.sql /app/migrations/\n")
    tag = f"{base.partition('@')[0]}:broken"
    storage = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]
    buildah = ["buildah", "--storage-driver", "vfs", *storage]
    environment = {**os.environ, "TMPDIR": str(folder), "BUILDAH_ISOLATION": "chroot"}
    for command in (
        ["bud", "--tls-verify=false", "-t", tag, str(folder)],
        ["push", "--tls-verify=false", "--digestfile", str(folder / "digest"), tag],
    ):
        subprocess.run([*buildah, *command], env=environment, check=True, timeout=300)
    return f"{base.partition('@')[0]}@{(folder / 'digest').read_text().strip()}"


@pytest.fixture
async def broken(demo: Instance, tmp_path: Path) -> AsyncIterator[str]:
    """The broken image as demo's api; taken back afterwards."""
    deployment = await demo.get("deployment", f"{demo.name}-api")
    running: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    reference = build_broken_image(tmp_path, base=running)
    await demo.patch({"spec": {"images": {"overrides": {"api": reference}}}})
    yield running
    await demo.patch({"spec": {"images": {"overrides": {"api": None}}}})


async def test_a_failing_migration_stops_the_rollout_and_says_why(
    demo: Instance, broken: str
) -> None:
    async def has_failed() -> bool:
        condition = await demo.condition("Migrated")
        return condition.get("status") == "False" and "no_such_table" in condition["message"]

    await wait_until(has_failed, timeout=180, what="the SQL error in the status")
    # The running release goes on, and is still repaired while the gate is closed.
    name = f"{demo.name}-api"
    deployment = await demo.get("deployment", name)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == broken
    assert deployment["status"]["readyReplicas"] >= 1
    uid = (await demo.get("service", name))["metadata"]["uid"]
    await demo.kubectl.run("delete", "service", name, "-n", demo.namespace)

    async def is_back() -> bool:
        found = await demo.kubectl.get("services", "-n", demo.namespace, "-l", demo.selector)
        return any(
            item["metadata"]["name"] == name and item["metadata"]["uid"] != uid
            for item in found["items"]
        )

    assert await wait_until(is_back, timeout=30, what="the Service") <= 5.0
