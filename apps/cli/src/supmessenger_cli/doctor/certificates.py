"""The certificate that clients get: asked of the edge itself, else read from its Secret."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from supmessenger_cli.doctor.evidence import Certificate
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import ClusterError, Target, gather_target

HANDSHAKE_SECONDS = 5.0


async def gather_certificate(
    scope: Scope, values: Mapping[tuple[str, str], str]
) -> Certificate | None:
    """Return what the edge shows; what its Secret holds when it can't be reached from here."""
    chain = values.get(("tls", "tls.crt"), "")
    roots = values.get(("tls", "ca.crt"), "") or values.get(("ca", "tls.crt"), "")
    served = await _ask_edge(scope)
    try:
        stored = x509.load_pem_x509_certificates(chain.encode()) if chain else []
        authorities = x509.load_pem_x509_certificates(roots.encode()) if roots else []
    except ValueError:
        stored, authorities = [], []
    if served is None:
        return judge_chain(stored, authorities, is_served=False) if stored else None
    leaf = x509.load_der_x509_certificate(served)
    # The rest of the chain is only in the Secret; a leaf that is not there stands alone.
    rest = stored[1:] if stored and stored[0] == leaf else []
    return judge_chain([leaf, *rest], authorities, is_served=True)


def judge_chain(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], *, is_served: bool
) -> Certificate:
    """Return dates, names and what is wrong with the links of a chain."""
    leaf, fault = chain[0], ""
    for issued, issuer in pairwise(chain):
        fault = fault or ("" if _is_issued_by(issued, issuer) else "the chain is broken")
    if roots and not any(_is_issued_by(chain[-1], root) for root in roots):
        fault = fault or "its authority is not the one that clients are told to trust"
    return Certificate(
        ends=leaf.not_valid_after_utc, names=_read_names(leaf), fault=fault, is_served=is_served
    )


def _is_issued_by(issued: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        found = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return ()
    assert isinstance(found.value, x509.SubjectAlternativeName)
    return tuple(found.value.get_values_for_type(x509.DNSName))


async def _ask_edge(scope: Scope) -> bytes | None:
    try:
        target = await gather_target(scope.kubectl, namespace=scope.namespace, name=scope.name)
        if target.tls is None:
            return None
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            return await _shake_hands(target)
    except (ClusterError, OSError, KeyError, TimeoutError):
        return None


async def _shake_hands(target: Target) -> bytes | None:
    # Looked at whatever it is: whether it may be trusted is judged afterwards.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(
        target.address, target.port, ssl=context, server_hostname=target.domain
    )
    try:
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return found.getpeercert(binary_form=True)
    finally:
        writer.close()
