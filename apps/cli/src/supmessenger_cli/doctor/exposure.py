"""What can be reached from where: TLS, firewall, rate limits, CORS, ports."""

from collections.abc import Iterable, Mapping
from typing import Any

from supmessenger_cli.doctor.evidence import Evidence, read_component
from supmessenger_cli.doctor.finding import Finding, fail, ok, unknown, warn
from supmessenger_cli.scope import COMPONENT_LABEL

SOON_DAYS = 14
# Whom people must reach from outside: the edge, calls, the relay; Kafka when it is exposed.
OUTER_PARTS = frozenset({"edge", "livekit", "turn", "kafka"})


def judge_tls(evidence: Evidence) -> Finding:
    """Judge the certificate that clients get."""
    check, domain = "Enable SSL/TLS certificates", evidence.health.domain
    if "disabled" in (evidence.spec.get("tls") or {}):
        cure = "spec.tls: {acme: {…}}, {secretRef: {…}} or {selfSigned: {}}"
        return fail(check, "TLS is off: everything travels in the clear", cure)
    found = evidence.certificate
    if found is None:
        return unknown(check, "neither the edge nor its Secret could be read", "run it elsewhere")
    days = (found.ends - evidence.now).days
    if found.fault:
        return fail(check, found.fault, f"kubectl sup status {evidence.name} {evidence.flags}")
    if not any(_covers(name, domain) for name in found.names):
        return fail(check, f"it is for {', '.join(found.names)}, not {domain}", "see spec.tls")
    if days < 0:
        return fail(check, f"it ended on {found.ends:%Y-%m-%d}", "see the condition EdgeReady")
    where = "served by the edge" if found.is_served else "in its Secret"
    seen = f"valid until {found.ends:%Y-%m-%d} ({days} days), chain whole, {where}"
    if days < SOON_DAYS:
        return warn(check, seen, "it should have been renewed: see the condition EdgeReady")
    if (evidence.spec.get("tls") or {"selfSigned": {}}).keys() == {"selfSigned"}:
        cure = f"spec.tls.acme for the public; ConfigMap {evidence.name}-ca for your own people"
        return warn(check, f"{seen}, by the instance's own authority", cure)
    return ok(check, seen)


def judge_firewall(evidence: Evidence) -> Finding:
    """Judge the NetworkPolicies: default deny, and one for each workload."""
    check = "Configure firewall rules"
    names = {item["metadata"]["name"] for item in evidence.find_all("NetworkPolicy")}
    if f"{evidence.name}-default-deny" not in names:
        cure = "spec.security.networkPolicies.enabled: true"
        return fail(check, "there is no default-deny NetworkPolicy", cure)
    workloads = [*evidence.find_all("Deployment"), *evidence.find_all("StatefulSet")]
    bare = sorted(
        {read_component(one) for one in workloads}
        - {name.removeprefix(f"{evidence.name}-") for name in names}
    )
    if bare:
        return fail(check, f"no policy for {', '.join(bare)}", _look_again(evidence))
    seen = f"default deny and {len(names) - 1} policies"
    return ok(check, f"{seen} (whether they hold is the network plug-in's matter)")


def judge_rate_limits(evidence: Evidence) -> Finding:
    """Judge whether the API limits calls, by what its pods were given."""
    check = "Enable rate limiting"
    asked = (evidence.spec.get("security") or {}).get("rateLimits", {}).get("enabled", True)
    given = _read_env(evidence, "api").get("SUP_RATE_LIMITS_ENABLED", "true")
    if not asked or given != "true":
        return fail(check, "off", "spec.security.rateLimits.enabled: true")
    return ok(check, "on: registration, login, messages, keys, uploads, sockets")


def judge_cors(evidence: Evidence) -> Finding:
    """Judge which foreign origins may call the API."""
    check = "Configure CORS properly"
    text = _read_env(evidence, "api").get("SUP_CORS_ALLOWED_ORIGINS", "")
    origins = [one.strip() for one in text.split(",") if one.strip()]
    field = "spec.security.cors.allowedOrigins"
    if any("*" in one for one in origins):
        return fail(check, "any origin may call the API (*)", f"name them in {field}")
    plain = [one for one in origins if not one.startswith("https://")]
    if plain:
        return warn(check, f"not over TLS: {', '.join(plain)}", f"use https:// in {field}")
    return ok(check, f"only {', '.join(origins)}" if origins else "no foreign origin")


def judge_ports(evidence: Evidence) -> Finding:
    """Judge what listens outside the cluster."""
    check = "Review and restrict exposed ports"
    outer: list[str] = []
    wrong: list[str] = []
    for service in evidence.find_all("Service"):
        if service["spec"].get("type") not in ("LoadBalancer", "NodePort"):
            continue
        ports = compress_ports({port["port"] for port in service["spec"]["ports"]})
        told = f"{service['metadata']['name']} {ports}"
        # Whose pods it leads to counts, whoever has made it.
        leads_to = (service["spec"].get("selector") or {}).get(COMPONENT_LABEL)
        (outer if leads_to in OUTER_PARTS else wrong).append(told)
    for pod in evidence.find_all("Pod"):
        if pod["spec"].get("hostNetwork") or any(_find_host_ports(pod)):
            wrong.append(f"pod {pod['metadata']['name']} on its node")
    if wrong:
        cure = "make the Service ClusterIP and use kubectl sup open"
        return fail(check, f"open beyond need: {', '.join(wrong)}", cure)
    return ok(check, f"only {', '.join(outer)}" if outer else "nothing")


def compress_ports(ports: Iterable[int]) -> str:
    """Return ports in a few words: what follows one another becomes a range."""
    ranges: list[list[int]] = []
    for port in sorted(ports):
        if ranges and port == ranges[-1][-1] + 1:
            ranges[-1].append(port)
        else:
            ranges.append([port])
    return "/".join(str(one[0]) if len(one) == 1 else f"{one[0]}–{one[-1]}" for one in ranges)


def _find_host_ports(pod: Mapping[str, Any]) -> list[int]:
    return [
        port["hostPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def _read_env(evidence: Evidence, component: str) -> dict[str, str]:
    """Return the variables of a component's main container, as the cluster has them."""
    for item in evidence.find_all("Deployment", component=component):
        container = item["spec"]["template"]["spec"]["containers"][0]
        return {one["name"]: one.get("value", "") for one in container.get("env") or ()}
    return {}


def _covers(name: str, domain: str) -> bool:
    if name.startswith("*."):
        return domain.partition(".")[2] == name[2:]
    return name == domain


def _look_again(evidence: Evidence) -> str:
    return f"kubectl annotate sup {evidence.name} {evidence.flags} supmessenger.io/reconcile-at=now"
