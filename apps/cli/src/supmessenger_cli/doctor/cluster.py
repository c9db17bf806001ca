"""Is the cluster fit for an instance, and may this person make one: judged without I/O."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from supmessenger_cli.doctor.finding import Finding, fail, ok, unknown, warn
from supmessenger_cli.manifest import POD_SECURITY

OLDEST_SERVER = (1, 30)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
INSTALL = "kubectl sup setup --install, or helm install sup-operator charts/sup-operator"
API_VERSION = "v1alpha1"


def judge_server(version: Mapping[str, Any]) -> Finding:
    """Judge the API server's version."""
    server = version.get("serverVersion") or {}
    found = re.match(r"(\d+)\D+(\d+)", f"{server.get('major', '')}.{server.get('minor', '')}")
    if not found:
        return unknown("server version", "the server did not say", "kubectl version")
    at_least = ".".join(map(str, OLDEST_SERVER))
    if (int(found[1]), int(found[2])) < OLDEST_SERVER:
        cure = f"upgrade the cluster to {at_least} or newer"
        return fail("server version", str(server["gitVersion"]), cure)
    return ok("server version", str(server["gitVersion"]))


def judge_storage_class(classes: Sequence[Mapping[str, Any]]) -> Finding:
    """Judge where volumes come from."""
    defaults = [
        one["metadata"]["name"]
        for one in classes
        if (one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    if len(defaults) == 1:
        return ok("default StorageClass", defaults[0])
    if defaults:
        cure = "leave the annotation on one of them only"
        return warn("default StorageClass", f"several: {', '.join(defaults)}", cure)
    names = ", ".join(one["metadata"]["name"] for one in classes)
    cure = (
        f"kubectl annotate storageclass NAME {DEFAULT_CLASS}=true,"
        " or name a class in each storage.className of the resource"
    )
    seen = f"none; there are {names}" if names else "there is no StorageClass at all"
    return fail("default StorageClass", seen, cure)


def judge_load_balancer(services: Sequence[Mapping[str, Any]]) -> Finding:
    """Judge whether Services of type LoadBalancer get an address, from those there are."""
    check = "LoadBalancer addresses"
    wanting = [one for one in services if one["spec"].get("type") == "LoadBalancer"]
    served = [
        one for one in wanting if (one.get("status") or {}).get("loadBalancer", {}).get("ingress")
    ]
    if served:
        return ok(check, f"{len(served)} of {len(wanting)} such Services have one")
    cure = (
        "install a load balancer controller (MetalLB on your own machines),"
        " or use spec.exposure.type NodePort or ClusterIP"
    )
    if wanting:
        return fail(check, f"none of {len(wanting)} such Services has one", cure)
    return unknown(check, "no Service asks for one yet", cure)


def judge_rights(answers: Mapping[str, bool], *, needed: bool) -> Finding:
    """Judge what this person may do; `needed` says that the next step can't go without."""
    lacking = sorted(what for what, may in answers.items() if not may)
    check = "rights to install" if needed else "rights to use"
    if not lacking:
        return ok(check, ", ".join(sorted(answers)))
    return warn(check, f"you may not {', '.join(lacking)}", "ask the cluster's administrator")


def judge_crd(crd: Mapping[str, Any] | None) -> Finding:
    """Judge whether the cluster knows SupMessengers."""
    if crd is None:
        return fail("CRD", "supmessengers.supmessenger.io is not installed", INSTALL)
    served = [one["name"] for one in crd["spec"]["versions"] if one["served"]]
    if API_VERSION not in served:
        return fail("CRD", f"serves {', '.join(served)}, not {API_VERSION}", INSTALL)
    return ok("CRD", f"supmessengers.supmessenger.io serves {', '.join(served)}")


def judge_operator(deployments: Sequence[Mapping[str, Any]], *, version: str) -> Finding:
    """Judge the operator: there once, running, and of this command's release."""
    if not deployments:
        return fail("operator", "not installed", INSTALL)
    found = deployments[0]
    metadata, status = found["metadata"], found.get("status") or {}
    where = f"{metadata['namespace']}/{metadata['name']}"
    if len(deployments) > 1:
        places = ", ".join(one["metadata"]["namespace"] for one in deployments)
        cure = "keep one, unless each watches namespaces of its own (chart value watchNamespaces)"
        return warn("operator", f"{len(deployments)} of them: {places}", cure)
    if not status.get("readyReplicas"):
        cure = f"kubectl -n {metadata['namespace']} describe deployment {metadata['name']}"
        return fail("operator", f"{where} has no ready pod", cure)
    runs = metadata.get("labels", {}).get("app.kubernetes.io/version", "?")
    seen = f"{where} {runs}, {status['readyReplicas']} ready"
    if runs != version:
        cure = f"use kubectl sup {runs}, or upgrade the operator to {version}"
        return warn("operator", f"{seen}; this command is {version}", cure)
    return ok("operator", seen)


def judge_namespace(namespace: Mapping[str, Any] | None, *, name: str) -> Finding:
    """Judge the namespace of instances: there, and restricted."""
    check = f"namespace {name}"
    if namespace is None:
        return warn(check, "not there", f"kubectl sup setup --create-namespace -n {name}")
    level = (namespace["metadata"].get("labels") or {}).get(POD_SECURITY, "")
    if level != "restricted":
        cure = f"kubectl label namespace {name} {POD_SECURITY}=restricted --overwrite"
        return warn(check, f"Pod Security: {level or 'not enforced'}", cure)
    return ok(check, "Pod Security restricted is enforced")
