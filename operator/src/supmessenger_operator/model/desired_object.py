"""One object that shall exist, with the place it takes in the one order."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Wave(IntEnum):
    """The one order of a rollout; a wave starts when the one before is ready."""

    CONFIGURATION = 0  # ServiceAccounts, ConfigMaps shared by all, NetworkPolicies
    DATA = 1  # postgres, redis-cache, redis-state, rabbitmq, object-storage
    MIGRATIONS = 2  # Jobs: the object store's setup and the schema's migrations
    WORKER = 3
    SERVICES = 4  # api, websocket, media
    EDGE = 5
    BACKUP = 6  # the backup's volume and schedule
    EXTRAS = 7  # calls, events, monitoring, logs: nothing waits for them, messaging never does


class DesiredObject(BaseModel):
    """A complete object for server-side apply.

    All objects of one component (its Deployment, Service, ConfigMap …) are released together:
    a change of any of them moves the component's release when its wave's turn comes, and drift
    repair applies what is released. Jobs are the exception: they run when their wave's turn
    comes, are named by a hash of their inputs and are never part of a release.
    """

    model_config = ConfigDict(frozen=True)

    component: str
    wave: Wave
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of the object, such as Deployment."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Name of the object."""
        return str(self.body["metadata"]["name"])
