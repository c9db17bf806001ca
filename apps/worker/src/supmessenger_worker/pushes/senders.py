"""The providers an instance has: a broken one is told, and costs nobody else anything."""

from dataclasses import dataclass, field
from datetime import datetime

import httpx

from supmessenger_common.bindings import BindingError, read_credentials
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_common.push.bindings import read_fcm, read_web_push
from supmessenger_common.push.hosts import HostRuleError, parse_host_rules
from supmessenger_common.push.sealing import TokenSeal
from supmessenger_common.settings import parse_comma_separated
from supmessenger_worker.checks.model import Answer, CheckFailedError
from supmessenger_worker.pushes.fcm import FcmConfigurationError, FcmSender, FcmUnavailableError
from supmessenger_worker.pushes.health import PushHealth
from supmessenger_worker.pushes.model import Provider, Sender
from supmessenger_worker.pushes.web_push import WebPushConfigurationError, WebPushSender
from supmessenger_worker.settings import WorkerSettings

_log = get_logger("pushes")


@dataclass
class Senders:
    """Every provider that can be used, and why others can not."""

    seal: TokenSeal
    fcm: FcmSender | None = None
    web_push: WebPushSender | None = None
    faults: tuple[str, ...] = ()
    health: PushHealth = field(default_factory=PushHealth)

    def find(self, provider: Provider) -> Sender | None:
        """Return a provider, if the instance has it."""
        return self.fcm if provider == "fcm" else self.web_push

    @property
    def is_asked_for(self) -> bool:
        """Whether the instance is meant to wake devices."""
        return self.fcm is not None or self.web_push is not None or bool(self.faults)

    async def probe(self) -> Answer:
        """Raise when something is broken; proves Firebase's credentials by using them."""
        now = read_clock()
        if self.faults:
            raise CheckFailedError("; ".join(self.faults))
        await self._probe_fcm(now)
        fault = self.health.find_fault(now=now)
        if fault is not None:
            raise CheckFailedError(fault)
        return Answer()

    async def close(self) -> None:
        """Close all connections."""
        for sender in (self.fcm, self.web_push):
            if sender is not None:
                await sender.close()

    async def _probe_fcm(self, now: datetime) -> None:
        if self.fcm is None:
            return
        try:
            await self.fcm.fetch_access_token(now=now)
        except FcmUnavailableError as error:
            raise CheckFailedError(f"FCM: {error}") from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise CheckFailedError(f"FCM's token endpoint does not answer: {why}") from error


def open_senders(settings: WorkerSettings) -> Senders:
    """Read the bindings; what is wrong with one of them is remembered, not raised."""
    root = settings.service_binding_root
    senders = Senders(TokenSeal(read_credentials(root).encryption_key))
    faults: list[str] = []
    try:
        binding = read_fcm(root)
        senders.fcm = FcmSender.create(binding) if binding else None
    except (BindingError, FcmConfigurationError) as error:
        faults.append(str(error))
    try:
        hosts = parse_host_rules(parse_comma_separated(settings.web_push_allowed_hosts))
        pair = read_web_push(root)
        senders.web_push = WebPushSender(pair, hosts=hosts) if pair else None
    except (BindingError, WebPushConfigurationError, HostRuleError) as error:
        faults.append(str(error))
    senders.faults = tuple(faults)
    for fault in faults:
        _log.error("push is not possible", why=fault)
    return senders
