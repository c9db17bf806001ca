"""Registries are plain HTTP and therefore only ever on the loopback interface."""

import pytest

from supimages.failure import Failure
from supimages.registry import parse_address


@pytest.mark.parametrize("address", ["127.0.0.1:5050", "127.9.8.7:80", "localhost:5000"])
def test_a_loopback_address_is_accepted(address: str) -> None:
    assert parse_address(address) == address


@pytest.mark.parametrize(
    "address", ["10.0.0.1:5000", "registry.example.org:443", "127.0.0.1", "", "127.0.0.1:5050/x"]
)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(Failure, match="loopback"):
        parse_address(address)
