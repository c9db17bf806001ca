"""What a service would read of the environment that the operator gives it."""

from __future__ import annotations

from collections.abc import Iterable

from support.deployables import to_plain

from supmessenger_api.settings import ApiSettings
from supmessenger_common.settings import ServiceSettings
from supmessenger_media.settings import MediaSettings
from supmessenger_operator.model import DesiredObject
from supmessenger_websocket.settings import WebSocketSettings
from supmessenger_worker.settings import WorkerSettings

_SETTINGS: dict[str, type[ServiceSettings]] = {
    "api": ApiSettings,
    "websocket": WebSocketSettings,
    "media": MediaSettings,
    "worker": WorkerSettings,
}


def read_settings(objects: Iterable[DesiredObject], service: str) -> ServiceSettings:
    """Return the settings of a service; what it would refuse to start with is raised."""
    (found,) = (o for o in objects if o.kind == "Deployment" and o.component == service)
    (container,) = to_plain(found)["spec"]["template"]["spec"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    return _SETTINGS[service].model_validate(
        {
            name.removeprefix("SUP_").lower(): value
            for name, value in given.items()
            if name.startswith("SUP_")
        }
    )
