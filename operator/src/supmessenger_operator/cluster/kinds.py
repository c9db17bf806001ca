"""The kinds the operator deals with, and where the API server serves them."""

from typing import NamedTuple


class ServedKind(NamedTuple):
    """Where a kind is served."""

    api_version: str
    plural: str

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def prefix(self) -> str:
        """First part of the path."""
        return (
            f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        )


# A table instead of discovery: discovery asks for the whole API at each start, caches it in a
# file and would need a wider role.
KINDS: dict[str, ServedKind] = {
    "SupMessenger": ServedKind("supmessenger.io/v1alpha1", "supmessengers"),
    "ConfigMap": ServedKind("v1", "configmaps"),
    "Secret": ServedKind("v1", "secrets"),
    "Service": ServedKind("v1", "services"),
    "ServiceAccount": ServedKind("v1", "serviceaccounts"),
    "Role": ServedKind("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ServedKind("rbac.authorization.k8s.io/v1", "rolebindings"),
    "PersistentVolumeClaim": ServedKind("v1", "persistentvolumeclaims"),
    "Pod": ServedKind("v1", "pods"),
    "Event": ServedKind("v1", "events"),
    "Deployment": ServedKind("apps/v1", "deployments"),
    "StatefulSet": ServedKind("apps/v1", "statefulsets"),
    "ControllerRevision": ServedKind("apps/v1", "controllerrevisions"),
    "Job": ServedKind("batch/v1", "jobs"),
    "CronJob": ServedKind("batch/v1", "cronjobs"),
    "NetworkPolicy": ServedKind("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ServedKind("policy/v1", "poddisruptionbudgets"),
    "Lease": ServedKind("coordination.k8s.io/v1", "leases"),
}

# Kinds a builder may ask for: applied, repaired, pruned and watched alike.
CHILD_KINDS: tuple[str, ...] = (
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Service",
    "PersistentVolumeClaim",
    "StatefulSet",
    "Deployment",
    "Job",
    "CronJob",
    "NetworkPolicy",
    "PodDisruptionBudget",
)
# Never deleted by us, whatever the spec says: they hold what can't be made again.
KEPT_KINDS: frozenset[str] = frozenset({"PersistentVolumeClaim", "Secret"})
