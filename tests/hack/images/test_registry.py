"""Plain HTTP is spoken on the loopback interface only; other registries want TLS."""

import pytest

from supimages.failure import Failure
from supimages.registry import is_loopback, parse_address, probe_manifest


@pytest.mark.parametrize("address", ["127.0.0.1:5050", "127.9.8.7:80", "localhost:5000"])
def test_a_loopback_address_is_spoken_to_in_plain_http(address: str) -> None:
    assert parse_address(address) == address
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1:5000", "registry.example.org:443", "ghcr.io/team/sup", "127.0.0.1:5050/x"],
)
def test_a_registry_elsewhere_is_accepted_and_wants_tls(address: str) -> None:
    assert parse_address(address) == address
    assert not is_loopback(address)


@pytest.mark.parametrize("address", ["", "https://ghcr.io", "ghcr.io/", "Ghcr.io/x", "a b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Failure, match="is no registry"):
        parse_address(address)


def test_a_registry_elsewhere_is_not_asked_what_it_holds() -> None:
    assert not probe_manifest("registry.invalid", "sup/api", "sha256:" + "0" * 64)
