"""What a check finds when its turn comes: the instance, two people, and a chat between them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from supmessenger_cli.conversation import Person, Story
from supmessenger_cli.target import Kubectl, Target


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The scene after the conversation; both people are logged in and share a chat."""

    kubectl: Kubectl
    target: Target
    resource: Mapping[str, Any]
    story: Story
    alice: Person
    bob: Person
    chat: str

    async def ask(self, service: str, port: str, path: str, **query: str) -> Any:
        """Return the JSON a Service of the instance's namespace answers, by the API server's proxy.

        `service` is the whole name, `port` a port's name or number, `path` begins with a slash.
        """
        words = f"?{urlencode(query)}" if query else ""
        where = f"/api/v1/namespaces/{self.target.namespace}/services/{service}:{port}/proxy"
        return json.loads(await self.kubectl.run("get", "--raw", f"{where}{path}{words}"))
