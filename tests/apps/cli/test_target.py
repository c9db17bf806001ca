"""The edge's address is read from its Service."""

import pytest

from supmessenger_cli.target import ClusterError, parse_edge_address, parse_reached_at


def make_service(kind: str, ingress: list[dict[str, str]]) -> dict[str, object]:
    return {
        "metadata": {"name": "demo-edge"},
        "spec": {"type": kind, "clusterIP": "100.65.0.9"},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


@pytest.mark.parametrize(
    ("kind", "ingress", "address"),
    [
        ("LoadBalancer", [{"ip": "100.66.1.1"}], "100.66.1.1"),
        ("LoadBalancer", [{"hostname": "lb.example.org"}], "lb.example.org"),
        ("ClusterIP", [], "100.65.0.9"),
    ],
)
def test_the_address_is_the_load_balancers_else_the_clusters(
    kind: str, ingress: list[dict[str, str]], address: str
) -> None:
    assert parse_edge_address(make_service(kind, ingress)) == address


def test_a_load_balancer_without_address_names_the_cure() -> None:
    with pytest.raises(ClusterError, match="load balancer controller"):
        parse_edge_address(make_service("LoadBalancer", []))


def test_an_address_that_was_given_is_split_into_host_and_port() -> None:
    assert parse_reached_at("127.0.0.1:8443") == ("127.0.0.1", 8443)
    assert parse_reached_at("[::1]:443") == ("::1", 443)
    for text in ("127.0.0.1", "localhost:", ":443", "host:https"):
        with pytest.raises(ClusterError, match=r"give host:port"):
            parse_reached_at(text)
