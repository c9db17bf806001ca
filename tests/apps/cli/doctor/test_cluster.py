"""What a cluster must have before an instance can be made, by table."""

from typing import Any

import pytest

from supmessenger_cli.doctor import cluster
from supmessenger_cli.doctor.finding import Finding, State
from supmessenger_cli.manifest import POD_SECURITY


def version(major: str, minor: str) -> dict[str, Any]:
    name = f"v{major}.{minor}.0"
    return {"serverVersion": {"major": major, "minor": minor, "gitVersion": name}}


def storage_class(name: str, *, is_default: bool) -> dict[str, Any]:
    annotations = {cluster.DEFAULT_CLASS: "true"} if is_default else {}
    return {"metadata": {"name": name, "annotations": annotations}}


def service(kind: str, *ingress: str) -> dict[str, Any]:
    found = [{"ip": one} for one in ingress]
    return {"spec": {"type": kind}, "status": {"loadBalancer": {"ingress": found}}}


def operator(release: str, ready: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/version": release}
    return {
        "metadata": {"name": "sup-operator", "namespace": "sup-system", "labels": labels},
        "status": {"readyReplicas": ready},
    }


def crd(name: str, *, served: bool) -> dict[str, Any]:
    return {"spec": {"versions": [{"name": name, "served": served}]}}


def namespace(level: str) -> dict[str, Any]:
    return {"metadata": {"name": "chat", "labels": {POD_SECURITY: level}}}


FIT = cluster.judge_operator([operator("1.0", 2)], version="1.0")


@pytest.mark.parametrize(
    ("finding", "state", "said"),
    [
        (cluster.judge_server(version("1", "34")), State.OK, "v1.34.0"),
        (cluster.judge_server(version("1", "30+")), State.OK, "v1.30+.0"),
        (cluster.judge_server(version("1", "29")), State.FAIL, "v1.29.0"),
        (cluster.judge_server({}), State.UNKNOWN, "did not say"),
        (cluster.judge_storage_class([storage_class("a", is_default=True)]), State.OK, "a"),
        (cluster.judge_storage_class([storage_class("a", is_default=False)]), State.FAIL, "are a"),
        (cluster.judge_storage_class([]), State.FAIL, "no StorageClass"),
        (
            cluster.judge_storage_class([storage_class(one, is_default=True) for one in "ab"]),
            State.WARN,
            "several: a, b",
        ),
        (cluster.judge_load_balancer([service("LoadBalancer", "192.0.2.1")]), State.OK, "1 of 1"),
        (cluster.judge_load_balancer([service("LoadBalancer")]), State.FAIL, "none of 1"),
        (cluster.judge_load_balancer([service("ClusterIP")]), State.UNKNOWN, "asks for one"),
        (cluster.judge_crd(crd("v1alpha1", served=True)), State.OK, "v1alpha1"),
        (cluster.judge_crd(crd("v1alpha1", served=False)), State.FAIL, "not v1alpha1"),
        (cluster.judge_crd(None), State.FAIL, "not installed"),
        (FIT, State.OK, "2 ready"),
        (cluster.judge_operator([], version="1.0"), State.FAIL, "not installed"),
        (cluster.judge_operator([operator("1.0", 0)], version="1.0"), State.FAIL, "no ready pod"),
        (
            cluster.judge_operator([operator("0.9", 2)], version="1.0"),
            State.WARN,
            "this command is 1.0",
        ),
        (cluster.judge_operator([operator("1.0", 1)] * 2, version="1.0"), State.WARN, "2 of them"),
        (cluster.judge_namespace(namespace("restricted"), name="chat"), State.OK, "restricted"),
        (cluster.judge_namespace(namespace("baseline"), name="chat"), State.WARN, "baseline"),
        (cluster.judge_namespace(None, name="chat"), State.WARN, "not there"),
        (cluster.judge_rights({"create pods": True}, needed=True), State.OK, "create pods"),
        (
            cluster.judge_rights({"create pods": False}, needed=True),
            State.WARN,
            "may not create pods",
        ),
    ],
)
def test_the_cluster_is_judged(finding: Finding, state: State, said: str) -> None:
    assert (finding.state, said in finding.seen) == (state, True), finding
    assert bool(finding.cure) == (state is not State.OK)
