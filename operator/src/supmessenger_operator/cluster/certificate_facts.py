"""What a certificate says of itself: its life, its names, and whether a server can use it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

# A server whose clock is ahead of ours makes certificates that begin in a moment.
CLOCKS_DIFFER = timedelta(minutes=5)


def compute_renewal(certificate: bytes) -> datetime:
    """Return when two thirds of a certificate's life are over; PEM, the leaf first."""
    current = x509.load_pem_x509_certificate(certificate)
    life = current.not_valid_after_utc - current.not_valid_before_utc
    return current.not_valid_before_utc + life * 2 / 3


def read_expiry(certificate: str) -> datetime:
    """Return when a certificate ends; PEM, the leaf first."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def find_flaw(values: Mapping[str, str], domain: str, *, now: datetime) -> str:
    """Return why a pair of tls.crt and tls.key can't serve a domain now; empty when it can."""
    try:
        current = x509.load_pem_x509_certificate(values.get("tls.crt", "").encode())
        key = serialization.load_pem_private_key(values.get("tls.key", "").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "tls.crt or tls.key is no PEM certificate and key"
    if _encode(key.public_key()) != _encode(current.public_key()):
        return "tls.key is not the key of tls.crt"
    if now >= current.not_valid_after_utc:
        return f"the certificate ended on {current.not_valid_after_utc:%Y-%m-%d}"
    if now + CLOCKS_DIFFER < current.not_valid_before_utc:
        return f"the certificate begins only on {current.not_valid_before_utc:%Y-%m-%d}"
    if not _names(current, domain):
        return f"the certificate does not name {domain}"
    return ""


def _names(certificate: x509.Certificate, domain: str) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    names = {name.lower() for name in extension.value.get_values_for_type(x509.DNSName)}
    parent = domain.lower().partition(".")[2]
    return domain.lower() in names or f"*.{parent}" in names


def _encode(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined, no-any-return]  # every kind of public key
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
