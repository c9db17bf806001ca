"""The operator's process: wait for the Lease, then watch, work and probe until told to stop."""

import asyncio
import logging
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

import kopf
import structlog
import uvloop

from supmessenger_operator import metrics
from supmessenger_operator.cluster.acme_orders import CertificateOrders
from supmessenger_operator.cluster.api_server import ApiServer, connect_api_server
from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.events import EventRecorder
from supmessenger_operator.handlers import Instances, build_registry, build_settings
from supmessenger_operator.health import build_app, start_server
from supmessenger_operator.leader import LEASE_SECONDS, Elector, LeaseLost
from supmessenger_operator.model.messenger import KIND
from supmessenger_operator.model.outcome import Waiting
from supmessenger_operator.probes.checker import Checkers
from supmessenger_operator.probes.rounds import run_rounds
from supmessenger_operator.queue import WorkQueue
from supmessenger_operator.reconcile import reconcile_messenger
from supmessenger_operator.run import Context
from supmessenger_operator.settings import OperatorSettings, read_defaults

# A key that has waited longer than this means that no worker gets on.
STALLED_QUEUE_SECONDS = 600.0

log = structlog.get_logger()


@dataclass(kw_only=True)
class Process:
    """The parts of the running process that its probes look at."""

    elector: Elector
    queue: WorkQueue | None = None
    is_watching: asyncio.Event = field(default_factory=asyncio.Event)

    def find_illness(self) -> str:
        """Return why the process should be restarted, if it should."""
        if self.queue is not None and self.queue.longest_wait() > STALLED_QUEUE_SECONDS:
            return "the work queue does not get on"
        return ""

    def find_unreadiness(self) -> str:
        """Return why the process can't do its part: lead and watch, or follow the Lease."""
        if self.elector.is_leading:
            return "" if self.is_watching.is_set() else "the watches have not begun"
        if time.monotonic() - self.elector.last_contact > LEASE_SECONDS:
            return "the Lease can't be reached"
        return ""


def main() -> None:
    """Run until a signal, or until the Lease is lost (exit 1)."""
    settings = OperatorSettings()
    configure_logging(settings.log_level)
    sys.exit(uvloop.run(run(settings)))


async def run(settings: OperatorSettings) -> int:
    """Run the operator; return the exit code."""
    api_server = await connect_api_server()
    elector = Elector(
        api_server,
        namespace=settings.namespace,
        name=settings.lease_name,
        identity=settings.pod_name,
    )
    process = Process(elector=elector)
    app = build_app(is_alive=process.find_illness, is_ready=process.find_unreadiness)
    server = await start_server(app, host=settings.http_host, port=settings.http_port)
    stop = asyncio.Event()
    _handle_signals(stop)
    try:
        # Before the Lease is taken: nobody renews it while this waits.
        await wait_for_definition(api_server, (settings.watch_namespaces or ("",))[0], stop)
        if not await _follow(elector, stop, is_electing=settings.leader_election):
            return 0
        await _lead(settings, api_server, process, stop)
        return 0
    except LeaseLost as lost:
        log.error("lease lost", reason=str(lost))
        return 1
    finally:
        await elector.release()
        await server.cleanup()
        await api_server.close()


async def _follow(elector: Elector, stop: asyncio.Event, *, is_electing: bool) -> bool:
    """Wait for the Lease; False when the process is told to stop before."""
    if not is_electing:
        elector.is_leading = True
        return True
    acquiring = asyncio.create_task(elector.acquire())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not acquiring.done():
        acquiring.cancel()
        return False
    acquiring.result()
    return True


async def _lead(
    settings: OperatorSettings, api_server: ApiServer, process: Process, stop: asyncio.Event
) -> None:
    checkers = Checkers(cluster_domain=settings.cluster_domain, url=settings.checker_url)
    context = Context(
        client=api_server,
        defaults=read_defaults(settings),
        recorder=EventRecorder(api_server),
        checkers=checkers,
        orders=CertificateOrders(lambda key: queue.add(key)),
    )

    queue = WorkQueue(lambda key: reconcile_messenger(key, context))
    process.queue = queue
    instances = Instances(queue.add, queue.forget)
    background = [
        asyncio.create_task(queue.run(), name="queue"),
        asyncio.create_task(
            run_rounds(checkers, instances, queue.add, every=settings.probe_seconds), name="probes"
        ),
        asyncio.create_task(_measure_lag(), name="lag"),
    ]
    if settings.leader_election:
        background.append(asyncio.create_task(process.elector.renew(), name="lease"))
    stop_watching = asyncio.Event()
    watching = asyncio.create_task(_watch(settings, process, instances, stop_watching))
    stopping = asyncio.create_task(_wait_for_signal(process.is_watching, stop))
    try:
        done, _ = await asyncio.wait(
            {watching, stopping, *background}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()  # nothing but the signal ends without an error
    finally:
        # Kopf waits for every task of the loop that it does not know: ours have to end first.
        for task in (stopping, *background):
            task.cancel()
        await asyncio.gather(stopping, *background, return_exceptions=True)
        await context.orders.close()
        stop_watching.set()
        await asyncio.gather(watching, return_exceptions=True)
        await checkers.close()


async def _wait_for_signal(is_watching: asyncio.Event, stop: asyncio.Event) -> None:
    """Wait until told to stop; Kopf puts its own signal handlers over ours when it starts."""
    await is_watching.wait()
    _handle_signals(stop)
    await stop.wait()


def _handle_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def wait_for_definition(
    client: ClusterClient, namespace: str, stop: asyncio.Event, *, every: float = 2.0
) -> None:
    """Wait until SupMessengers are served: Kopf looks for what it can watch only once."""
    while not stop.is_set():
        try:
            await client.list(KIND, namespace)
            return
        except Waiting as waiting:
            log.warning("SupMessengers can't be listed yet", reason=waiting.message)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=every)


async def _watch(
    settings: OperatorSettings, process: Process, instances: Instances, stop: asyncio.Event
) -> None:
    await kopf.operator(
        registry=build_registry(instances),
        settings=build_settings(),
        standalone=True,
        # Kopf's own default asks for the name of the user, and a pod's UID need not have one.
        identity=settings.pod_name,  # type: ignore[arg-type]  # a str NewType, private to Kopf
        clusterwide=not settings.watch_namespaces,
        namespaces=settings.watch_namespaces,
        ready_flag=process.is_watching,
        stop_flag=stop,
    )


async def _measure_lag() -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(1)
        metrics.LOOP_LAG.set(max(0.0, time.monotonic() - before - 1))


def configure_logging(level: str) -> None:
    """Log JSON lines, ours and the libraries', at one level."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    # Kopf tells every watch and every handler at its own info level.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


if __name__ == "__main__":
    main()
