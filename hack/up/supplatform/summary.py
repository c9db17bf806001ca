"""What a person reads when the platform is up."""

from pathlib import Path
from typing import Any


def build_summary(
    *, resource: dict[str, Any], pods: str, edge: dict[str, Any], kubeconfig: Path
) -> str:
    """Build the closing text: what runs where, the URLs, three things to try next."""
    meta, status = resource["metadata"], resource.get("status") or {}
    name, namespace = meta["name"], meta["namespace"]
    domain = resource["spec"]["domain"]
    ingress = edge.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    address = ingress[0].get("ip") or ingress[0].get("hostname") or edge["spec"]["clusterIP"]
    urls = [f"  {what:<10} {url}" for what, url in (status.get("endpoints") or {}).items() if url]
    return "\n".join(
        [
            "",
            f"{name} in {namespace}: {status.get('phase', 'Pending')}",
            pods.rstrip(),
            "",
            f"{domain} is served at {address} (its CA: ConfigMap {name}-ca)",
            *urls,
            "",
            f"  export KUBECONFIG={kubeconfig}",
            "",
            "Three things to try next:",
            f"  kubectl describe sup {name} -n {namespace}",
            f"  kubectl create job --from=cronjob/{name}-backup first-backup -n {namespace}",
            f"  kubectl delete service {name}-api -n {namespace}   # and watch it come back",
        ]
    )
