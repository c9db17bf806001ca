"""The start of Kafka's pod, with the real broker: empty volume, again, rotated, without a root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.bindings import write_binding
from support.deployables import build_all, to_plain
from support.messengers import make_messenger
from support.processes.binaries import find_java, find_kafka
from support.processes.servers import probe_free_port
from support.waiting import wait_until

from supmessenger_common.bindings import read_kafka
from supmessenger_worker.events.kafka import (
    KafkaRefusal,
    ensure_topic,
    list_partitions,
    reach_kafka,
)

pytestmark = pytest.mark.services

IDENTITIES = ("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA")
ODD = 'p"a\\ss word'


@dataclass(frozen=True)
class Volume:
    """A volume of Kafka and the folders that its pod mounts."""

    folder: Path
    port: int

    def write_binding(self, password: str, identity: str) -> None:
        """Write the Secret as the pod and a client see it."""
        values = {
            "bootstrap-servers": f"127.0.0.1:{self.port}",
            "security-protocol": "SASL_PLAINTEXT",
            "username": "sup",
            "password": password,
            "cluster-id": identity,
        }
        write_binding(self.folder / "bindings", "kafka", values)

    async def list_partitions(self, topic: str) -> list[int]:
        """Ask the broker, with the login of the binding."""
        binding = read_kafka(self.folder / "bindings")
        assert binding is not None
        await reach_kafka(binding)
        await ensure_topic(binding, topic)
        found: list[int] = []

        # What was made is told by the broker's metadata a moment later.
        async def is_told() -> bool:
            found[:] = await list_partitions(binding, topic)
            return bool(found)

        await wait_until(is_told, what=f"the topic {topic} to be told")
        return found

    def start(self) -> subprocess.Popen[bytes]:
        """Start the pod's own script."""
        java = find_java()
        assert java is not None, "checked by the tier's requirements"
        return subprocess.Popen(
            ["sh", str(self.folder / "config" / "run.sh")],
            env={
                "PATH": f"{java.parent}:{os.environ['PATH']}",
                "KAFKA_HEAP_OPTS": "-Xms64m -Xmx256m -XX:TieredStopAtLevel=1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run the broker until the block ends."""
        process = self.start()
        try:

            async def answers() -> bool:
                assert process.poll() is None, process.communicate()[1]
                binding = read_kafka(self.folder / "bindings")
                assert binding is not None
                try:
                    await list_partitions(binding, "any")
                except KafkaRefusal:
                    return False
                return True

            await wait_until(answers, what="the broker to answer", seconds=120)
            yield
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """An empty volume and the files of the operator, led into the test's folder."""
    found = Volume(tmp_path, probe_free_port())
    inside = {
        "/bindings/kafka": tmp_path / "bindings" / "kafka",
        "/etc/sup-kafka": tmp_path / "config",
        "/var/lib/kafka": tmp_path / "volume",
        "/run/kafka": tmp_path / "run",
        "/opt/kafka": find_kafka(),
        ":9092": f":{found.port}",
        "demo-kafka.chat.svc": "127.0.0.1",
        ":9094": f":{probe_free_port()}",
        ":9093": f":{probe_free_port()}",
    }
    for name in ("config", "volume", "run"):
        (tmp_path / name).mkdir()
    for name, text in read_files().items():
        for path, led in inside.items():
            text = text.replace(path, str(led))
        (tmp_path / "config" / name).write_text(text)
    return found


def read_files() -> dict[str, str]:
    """Return the files of Kafka's ConfigMap."""
    for built in build_all(make_messenger(spec={"kafka": {"enabled": True}})):
        if built.component == "kafka" and built.kind == "ConfigMap":
            return dict(to_plain(built)["data"])
    raise AssertionError("no ConfigMap")


async def test_a_volume_is_formatted_once_and_follows_a_rotated_login(volume: Volume) -> None:
    volume.write_binding(ODD, IDENTITIES[0])
    async with volume.run():
        assert await volume.list_partitions("kept") == list(range(6))
    # The Secret was made anew: another password, another identity, the same volume.
    volume.write_binding("another", IDENTITIES[1])
    async with volume.run():
        assert await volume.list_partitions("kept") == list(range(6))
        volume.write_binding(ODD, IDENTITIES[0])
        with pytest.raises(KafkaRefusal, match="refuses user name or password"):
            await volume.list_partitions("kept")
    meta = (volume.folder / "volume" / "data" / "meta.properties").read_text()
    assert f"cluster.id={IDENTITIES[0]}" in meta
    assert (volume.folder / "run" / "server.properties").stat().st_mode & 0o077 == 0
