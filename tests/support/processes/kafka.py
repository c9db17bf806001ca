"""A Kafka broker for a run; tests keep apart by the names of their topics."""

from __future__ import annotations

import base64
import secrets
import signal
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.processes.binaries import find_java, find_kafka
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    stop_guardian,
    wait_until_ready,
)

USERNAME = "sup"
_STARTED = "Kafka Server started"
_FORMATTER = "kafka.tools.StorageTool"
# One core's worth of compiling and collecting: the machine has few, and other work.
_JAVA_OPTIONS = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:ActiveProcessorCount=1", "-Djava.awt.headless=true"),
)
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=INSIDE://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=INSIDE://127.0.0.1:{port}
inter.broker.listener.name=INSIDE
listener.security.protocol.map=CONTROLLER:PLAINTEXT,INSIDE:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.inside.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="{username}" password="{password}" user_{username}="{password}";
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""
_LOGGING = """\
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""


@dataclass(frozen=True, kw_only=True)
class KafkaServer:
    """A running broker and the one account it knows."""

    port: int
    controller_port: int
    password: str
    version: str
    pid: int
    username: str = USERNAME

    @property
    def bootstrap_servers(self) -> str:
        """Return where clients begin."""
        return f"127.0.0.1:{self.port}"


def start_kafka(run: Run) -> KafkaServer:
    """Start the run's broker, or find it running."""

    def start(folder: Path) -> dict[str, Any]:
        return asdict(start_broker(run, folder))

    return KafkaServer(**start_once(run, "kafka", start))


def start_broker(run: Run, folder: Path, *, before: KafkaServer | None = None) -> KafkaServer:
    """Start a broker with its data in `folder`; `before` is the one it takes the place of."""
    java, tree = find_java(), find_kafka()
    assert java is not None, "checked by the tier's requirements"
    assert tree is not None, "checked by the tier's requirements"
    port, controller_port = (
        (before.port, before.controller_port) if before else (probe_free_port(), probe_free_port())
    )
    password = before.password if before else secrets.token_urlsafe(18)
    properties = folder / "server.properties"
    properties.touch(mode=0o600)
    properties.write_text(
        _PROPERTIES.format(
            port=port,
            controller_port=controller_port,
            username=USERNAME,
            password=password,
            data=folder / "data",
        )
    )
    (folder / "log4j.properties").write_text(_LOGGING)
    log = run.folder / "kafka.log"
    told = _count_starts(log)
    command = (
        *(str(java), *_JAVA_OPTIONS, "-cp", f"{tree}/libs/*"),
        f"-Dlog4j.configuration=file:{folder}/log4j.properties",
    )
    if before is None:
        _format(command, properties)
    pid = start_guarded(
        run,
        "kafka",
        folder=folder,
        # Its orderly end takes seconds, which nothing here is worth.
        program=Program(
            command=(*command, "kafka.Kafka", str(properties)), stop_signal=signal.SIGKILL
        ),
    )

    def is_ready() -> bool:
        return _count_starts(log) > told and _answers(port)

    wait_until_ready(run, "kafka", pid=pid, is_ready=is_ready, seconds=120)
    return KafkaServer(
        port=port,
        controller_port=controller_port,
        password=password,
        version=tree.name.removeprefix("kafka-"),
        pid=pid,
    )


def kill_broker(server: KafkaServer) -> None:
    """Kill a broker at once; what it has on disk stays when its run keeps data."""
    stop_guardian(server.pid)


def _format(command: tuple[str, ...], properties: Path) -> None:
    cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    subprocess.run(
        [*command, _FORMATTER, "format", f"--cluster-id={cluster_id}", f"--config={properties}"],
        check=True,
        capture_output=True,
        timeout=120,
    )


def _count_starts(log: Path) -> int:
    return log.read_text().count(_STARTED) if log.exists() else 0


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
