"""What an instance takes from its operator when its own spec is silent."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class OperatorDefaults(BaseModel):
    """Images, release and surroundings, the same for every instance of one operator."""

    model_config = ConfigDict(frozen=True)

    version: str
    images: Mapping[str, str]
    cluster_domain: str = "cluster.local"
    operator_namespace: str = "sup-system"
    # Name of the operator's own objects, by which its node agents are found.
    release: str = "sup-operator"
    agents_namespace: str = "sup-agents"
