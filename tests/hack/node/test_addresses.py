from __future__ import annotations

import ipaddress

import pytest

from supnode.addresses import DEFAULT_NAME, SLOTS, compute_addresses, compute_index
from supnode.failure import Failure

NAMES = [DEFAULT_NAME, "suptest", "second", "a", "my-node-7"]


def test_the_default_node_has_the_documented_addresses() -> None:
    node = compute_addresses("sup")
    assert node.node_ip == "100.66.0.1"
    assert node.pod_cidr == "100.64.0.0/16"
    assert node.service_cidr == "100.65.0.0/16"
    assert node.load_balancer_cidr == "100.66.1.0/24"
    assert node.registry == "127.0.0.1:5050"
    assert node.server == "https://100.66.0.1:6443"


def test_addresses_follow_from_the_name_alone() -> None:
    assert compute_addresses("suptest") == compute_addresses("suptest")
    assert compute_addresses("suptest").node_ip != compute_addresses("sup").node_ip


def test_no_other_name_gets_the_slot_of_the_default_node() -> None:
    assert compute_index(DEFAULT_NAME) == 0
    assert all(1 <= compute_index(f"node{number}") < SLOTS for number in range(500))


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_apart_and_within_shared_address_space(name: str) -> None:
    node = compute_addresses(name)
    shared = ipaddress.ip_network("100.64.0.0/10")
    ranges = [
        ipaddress.ip_network(text)
        for text in (node.pod_cidr, node.service_cidr, node.node_network, node.load_balancer_cidr)
    ]
    assert all(network.subnet_of(shared) for network in ranges)  # type: ignore[arg-type]
    for one in ranges:
        assert not any(one.overlaps(other) for other in ranges if other is not one)
    assert ipaddress.ip_address(node.node_ip) in ranges[2]
    assert ipaddress.ip_address(node.host_ip) in ranges[2]
    assert ipaddress.ip_address(node.dns_ip) in ranges[1]
    assert ipaddress.ip_address(node.api_service_ip) in ranges[1]


def test_the_link_name_fits_the_kernel() -> None:
    assert all(len(compute_addresses(f"node{number}").link) <= 15 for number in range(100))


@pytest.mark.parametrize("name", ["", "Sup", "7up", "-a", "a-", "a b", "a/b", "a" * 21, "../x"])
def test_an_unfit_name_is_refused_with_a_cure(name: str) -> None:
    with pytest.raises(Failure) as caught:
        compute_addresses(name)
    assert caught.value.cure
