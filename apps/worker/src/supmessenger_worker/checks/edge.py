"""Asks the edge for its certificate and judges it as a browser would, save for the authority."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from prometheus_client import Gauge

from supmessenger_worker.checks.model import Answer, CheckFailedError

# Let's Encrypt's clients renew 30 days before the end; half of that left means renewal fails.
WARN_DAYS = 14
# Labelled, so that it is not there, rather than 0, where TLS is off.
CERTIFICATE_EXPIRY = Gauge(
    "edge_certificate_expiry_timestamp_seconds", "When the edge's certificate ends.", ("domain",)
)


@dataclass(frozen=True)
class Certificate:
    """What matters of the edge's certificate."""

    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime


async def probe_edge(url: str, *, domain: str) -> Answer:
    """Shake hands with the edge as a client of `domain`, or just ask it when TLS is off."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            response = await client.get(url, headers={"Host": domain})
        return Answer(message=f"without TLS; answers {response.status_code}")
    certificate = await _fetch_certificate(parts.hostname or "", parts.port or 443, domain)
    CERTIFICATE_EXPIRY.labels(domain).set(certificate.not_after.timestamp())
    return judge_certificate(certificate, domain=domain, now=datetime.now(UTC))


def judge_certificate(certificate: Certificate, *, domain: str, now: datetime) -> Answer:
    """Return the days left; raises CheckFailedError when a client would refuse it."""
    if not any(_covers(name, domain) for name in certificate.names):
        names = ", ".join(certificate.names) or "no name"
        raise CheckFailedError(f"the certificate is for {names}, not for {domain}")
    if now < certificate.not_before:
        raise CheckFailedError(f"the certificate is valid only from {certificate.not_before}")
    days = (certificate.not_after - now).days
    if now >= certificate.not_after:
        raise CheckFailedError(f"the certificate ended {-days} days ago: renew it")
    advice = "; it should have been renewed by now" if days < WARN_DAYS else ""
    return Answer(message=f"certificate valid for {days} more days{advice}")


def parse_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
        names += tuple(str(ip) for ip in extension.value.get_values_for_type(x509.IPAddress))
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(names, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _covers(name: str, domain: str) -> bool:
    if name.startswith("*."):
        return domain.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == domain.lower()


async def _fetch_certificate(host: str, port: int, domain: str) -> Certificate:
    # Which authority to trust is the client's matter: ours may be self-signed. Names and dates
    # are judged from the certificate itself.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=domain)
    try:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    if der is None:
        raise CheckFailedError("the edge shows no certificate")
    return parse_certificate(der)
