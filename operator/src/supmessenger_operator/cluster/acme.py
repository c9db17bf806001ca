"""Certificates from an ACME server: the account's key, and one order from start to chain.

The proof is stateless: what a server asks of `http://DOMAIN/.well-known/acme-challenge/TOKEN` is
the token and the thumbprint of the account's key, so the edge answers any token by itself and
nothing has to be carried to it while an order runs.
"""

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from josepy.b64 import b64encode
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from supmessenger_operator.cluster.certificate_facts import find_flaw

CALL_SECONDS = 15
ORDER_SECONDS = 60.0
# A changed ConfigMap takes the kubelet up to a minute and a half to bring to the edge.
EDGE_SECONDS = 120.0
USER_AGENT = "sup-operator"


class AcmeFailure(Exception):
    """An order did not come to a certificate; the message says why, in the server's words."""

    def __init__(self, message: str, *, is_limited: bool = False) -> None:
        super().__init__(message)
        self.is_limited = is_limited


@dataclass(frozen=True, kw_only=True)
class ExternalAccount:
    """The account that some servers want to know beforehand; the key is base64url."""

    key_id: str
    hmac_key: str


@dataclass(frozen=True, kw_only=True)
class AcmeOrder:
    """What one order needs to know; `authority` (PEM) signs the server's own certificate."""

    directory: str
    domain: str
    account_key: str
    email: str = ""
    authority: str = ""
    external_account: ExternalAccount | None = None
    edge_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate chain and its key, both PEM."""

    chain: str
    key: str


def make_account_key() -> str:
    """Make the key of a new account, PEM."""
    return _encode_key(ec.generate_private_key(ec.SECP256R1()))


def compute_thumbprint(account_key: str) -> str:
    """Return what the edge answers after the token of a challenge."""
    jwk = JWKEC.load(account_key.encode())
    return b64encode(jwk.thumbprint(hash_function=hashes.SHA256)).decode()


def obtain_certificate(order: AcmeOrder) -> Issued:
    """Order a certificate and wait for it; blocks for at most some two minutes.

    Raises AcmeFailure. Source of the protocol: RFC 8555.
    """
    _await_edge(order)
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
            authority.write(order.authority)
            authority.flush()
            return _place(order, authority=authority.name if order.authority else "")
    except errors.ValidationError as error:
        raise AcmeFailure(_describe_validation(error)) from error
    except messages.Error as error:
        is_limited = error.code == "rateLimited"
        raise AcmeFailure(error.detail or str(error), is_limited=is_limited) from error
    except errors.TimeoutError as error:
        raise AcmeFailure(f"{order.directory} did not finish in time") from error
    except (errors.Error, requests.RequestException, ValueError) as error:
        raise AcmeFailure(f"{order.directory}: {error}") from error


def _place(order: AcmeOrder, *, authority: str) -> Issued:
    deadline = datetime.now() + timedelta(seconds=ORDER_SECONDS)  # the library's own clock
    server = _connect(order, authority=authority)
    key = ec.generate_private_key(ec.SECP256R1())
    placed = server.new_order(_build_request(order.domain, key))
    for authorization in placed.authorizations:
        if authorization.body.status == messages.STATUS_VALID:
            continue
        challenge = _choose_challenge(authorization)
        server.answer_challenge(challenge, challenge.response(server.net.key))
    finished = server.poll_and_finalize(placed, deadline)
    issued = Issued(chain=finished.fullchain_pem, key=_encode_key(key))
    values = {"tls.crt": issued.chain, "tls.key": issued.key}
    # Taken as good, it would be found unfit by the next pass and ordered again at once.
    flaw = find_flaw(values, order.domain, now=datetime.now(UTC))
    if flaw:
        raise AcmeFailure(f"{order.directory} gave a certificate that can't be used: {flaw}")
    return issued


def _connect(order: AcmeOrder, *, authority: str) -> client.ClientV2:
    key = JWKEC.load(order.account_key.encode())
    network = client.ClientNetwork(key, alg=ES256, user_agent=USER_AGENT, timeout=CALL_SECONDS)
    if authority:
        # The library hands it on to requests, which takes a file of authorities too.
        network.verify_ssl = authority  # type: ignore[assignment]
    server = client.ClientV2(_read_directory(order, network), net=network)
    binding = None
    if order.external_account is not None:
        binding = messages.ExternalAccountBinding.from_data(
            account_public_key=key.public_key(),
            kid=order.external_account.key_id,
            hmac_key=order.external_account.hmac_key,
            directory=server.directory,
        )
    wanted = messages.NewRegistration.from_data(
        email=order.email or None, terms_of_service_agreed=True, external_account_binding=binding
    )
    try:
        server.new_account(wanted)
    except errors.ConflictError as known:
        server.net.account = messages.RegistrationResource(
            uri=known.location, body=messages.Registration()
        )
    return server


def _read_directory(order: AcmeOrder, network: client.ClientNetwork) -> messages.Directory:
    """Return what the server offers; the library trusts that the address is that of a directory."""
    try:
        directory = client.ClientV2.get_directory(order.directory, network)
        for name in ("newNonce", "newAccount", "newOrder"):
            directory[name]
    except (AttributeError, KeyError, TypeError) as error:
        raise AcmeFailure(f"{order.directory} is no directory of an ACME server") from error
    return directory


def _choose_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for challenge in authorization.body.challenges:
        if isinstance(challenge.chall, challenges.HTTP01):
            return challenge
    raise AcmeFailure("the server offers no http-01 challenge for this domain")


def _await_edge(order: AcmeOrder) -> None:
    """Wait until the edge answers as the server will ask: failed proofs are counted there."""
    token = "own-check-before-the-order"  # noqa: S105 - a word of ours in a token's place
    expected = f"{token}.{compute_thumbprint(order.account_key)}"
    deadline = time.monotonic() + EDGE_SECONDS
    url = f"{order.edge_url}/.well-known/acme-challenge/{token}"
    while True:
        seen = _ask(url, host=order.domain)
        if seen == expected:
            return
        if time.monotonic() > deadline:
            raise AcmeFailure(f"the edge does not answer challenges yet: {url} gave {seen!r}")
        time.sleep(0.5)


def _ask(url: str, *, host: str) -> str:
    try:
        with requests.get(
            url, headers={"Host": host}, timeout=2, allow_redirects=False, stream=True
        ) as answer:
            seen: bytes = answer.raw.read(512)
            return seen.decode(errors="replace")
    except requests.RequestException as error:
        return f"{type(error).__name__}"


def _build_request(domain: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)] if len(domain) <= 64 else [])
    )
    names = x509.SubjectAlternativeName([x509.DNSName(domain)])
    request = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def _encode_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _describe_validation(error: errors.ValidationError) -> str:
    details = [
        challenge.error.detail
        for authorization in error.failed_authzrs
        for challenge in authorization.body.challenges
        if challenge.error is not None
    ]
    return "; ".join(detail for detail in details if detail) or str(error)
