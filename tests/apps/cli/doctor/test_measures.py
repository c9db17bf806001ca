"""What is measured: strength of secrets, use of volumes and memory, links of certificates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.doctor import RANDOM

from supmessenger_cli.doctor.certificates import judge_chain
from supmessenger_cli.doctor.kubelet import Usage, parse_disks, parse_memory, parse_volumes
from supmessenger_cli.doctor.strength import compute_strength
from supmessenger_cli.quantity import parse_quantity

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (RANDOM, ""),
        ("", "is empty"),
        ("guest", "well-known default"),
        ("Admin", "well-known default"),
        ("short1", "has 6 characters"),
        ("x" * 64, "guessable"),
        ("abcabcabcabcabcabcabc", "guessable"),
    ],
)
def test_a_secret_is_strong_or_told_why_not(value: str, fault: str) -> None:
    found = compute_strength(value).find_fault(least_length=16)
    assert fault in found
    assert bool(found) == bool(fault)


def test_a_strength_does_not_hold_the_value() -> None:
    assert RANDOM not in repr(compute_strength(RANDOM))


def test_a_kubelets_summary_is_read() -> None:
    pod: dict[str, Any] = {
        "podRef": {"name": "demo-api-1", "namespace": "chat"},
        "containers": [{"name": "api", "memory": {"workingSetBytes": 7}}, {"name": "new"}],
        "volume": [
            {"pvcRef": {"name": "data", "namespace": "chat"}, "usedBytes": 1, "capacityBytes": 4},
            {"pvcRef": {"name": "data", "namespace": "other"}, "usedBytes": 9, "capacityBytes": 9},
            {"name": "tmp", "usedBytes": 3, "capacityBytes": 4},
        ],
    }
    pod["containers"][1]["memory"] = {}
    node = {"nodeName": "one", "fs": {"availableBytes": 30, "capacityBytes": 100}}
    summaries = [{"node": node, "pods": [pod]}]

    assert parse_volumes(summaries, namespace="chat") == {"data": Usage(used=1, capacity=4)}
    assert parse_memory(summaries, namespace="chat") == {("demo-api-1", "api"): 7}
    assert parse_disks(summaries)["one"].used_percent == pytest.approx(70)


@pytest.mark.parametrize(
    ("text", "number"), [("512Mi", 2**29), ("1Gi", 2**30), ("250m", 0.25), ("2", 2), ("1.5k", 1500)]
)
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert parse_quantity(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "much", "1Zi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|convert"):
        parse_quantity(text)


def make_authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return issue(subject, key, issuer=subject, signer=key, is_authority=True), key


def issue(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    is_authority: bool = False,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("chat.example.org")]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def test_a_chain_is_whole_or_told_where_it_breaks() -> None:
    (root, key), (other, _) = make_authority("root"), make_authority("other")
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chat")])
    leaf = issue(subject, leaf_key, issuer=root.subject, signer=key)

    good = judge_chain([leaf], [root], is_served=True)
    assert (good.fault, good.names) == ("", ("chat.example.org",))
    assert good.ends == leaf.not_valid_after_utc
    assert "authority" in judge_chain([leaf], [other], is_served=True).fault
    assert "broken" in judge_chain([leaf, other], [], is_served=True).fault
