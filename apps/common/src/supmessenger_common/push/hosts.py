"""Which push services a Web Push subscription may name, so that nobody makes us call elsewhere."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

# The push services of Chrome and Edge (two), Firefox, and Safari.
KNOWN_HOSTS: Final = (
    "fcm.googleapis.com",
    "*.notify.windows.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
)
ENDPOINT_LIMIT: Final = 2048
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


class HostRuleError(ValueError):
    """An entry of the allow-list is none; the message says which and what it may be."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """One entry: a host over https, everything below it, or one exact http address for tests."""

    scheme: str
    host: str
    port: int | None
    below: bool

    def allows(self, parts: SplitResult) -> bool:
        """Tell whether an endpoint is at this host."""
        host = (parts.hostname or "").lower()
        if parts.scheme != self.scheme or _read_port(parts) != self.port:
            return False
        return host.endswith(f".{self.host}") if self.below else host == self.host


def parse_host_rules(entries: tuple[str, ...]) -> tuple[HostRule, ...]:
    """Read an allow-list; raises HostRuleError."""
    return tuple(_parse_rule(entry) for entry in entries)


def find_endpoint_fault(endpoint: str, rules: tuple[HostRule, ...]) -> str | None:
    """Return why an endpoint may not be called, or None when it may."""
    if len(endpoint) > ENDPOINT_LIMIT or not endpoint.isascii() or not endpoint.isprintable():
        return f"must be a URL of at most {ENDPOINT_LIMIT} ASCII characters"
    try:
        parts = urlsplit(endpoint)
        _read_port(parts)
    except ValueError:
        return "must be a URL"
    # What stands before an @ makes an address look like another one.
    if "@" in parts.netloc or "\\" in endpoint or " " in endpoint or parts.fragment:
        return "must be a URL without user, fragment, spaces and backslashes"
    if any(rule.allows(parts) for rule in rules):
        return None
    if parts.scheme != "https":
        return "must be an https URL"
    return "is not at a push service that this server may call"


def _parse_rule(entry: str) -> HostRule:
    scheme, separator, rest = entry.strip().lower().rpartition("://")
    scheme = scheme if separator else "https"
    host, _, port = rest.partition(":")
    below = host.startswith("*.")
    host = host.removeprefix("*.")
    valid = (
        scheme in ("https", "http")
        and _HOST.fullmatch(host) is not None
        and (not port or (port.isascii() and port.isdigit() and 0 < int(port) < 65536))
        # A wildcard over plain http would open a whole network to whoever has an account; one
        # over a top-level domain nearly everything.
        and not (below and (scheme == "http" or "." not in host))
        and not (scheme == "https" and _is_address(host))
    )
    if not valid:
        raise HostRuleError(
            f"{entry!r} is no host of push services: write push.example.org, *.example.org, or"
            " for tests an exact http://host:port"
        )
    default = 443 if scheme == "https" else 80
    return HostRule(scheme, host, int(port) if port else default, below)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _read_port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)
