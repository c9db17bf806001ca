"""LiveKit tells the api what happens in rooms; nobody else reaches that path."""

import re
from typing import Any
from urllib.parse import urlsplit

from support.deployables import build_all, make_samples, to_plain

from supmessenger_api.main import build_app
from supmessenger_api.settings import ApiSettings


def find_webhook() -> str:
    """Return the address that the operator gives to LiveKit."""
    for built in build_all(make_samples()["tiny"]):
        if (built.kind, built.component) == ("Deployment", "livekit"):
            plain: dict[str, Any] = to_plain(built)
            (container,) = plain["spec"]["template"]["spec"]["containers"]
            return next(str(one["value"]) for one in container["env"] if one["name"] == "WEBHOOK")
    raise AssertionError("no Deployment of livekit")


def test_livekit_tells_the_api_where_the_api_listens() -> None:
    parts = urlsplit(find_webhook())
    assert parts.netloc == "demo-api:3000"
    app = build_app(ApiSettings(domain="chat.example.org"))
    assert app.url_path_for("take_webhook") == parts.path
    assert parts.path not in app.openapi()["paths"]


def test_the_edge_passes_only_what_is_meant_for_clients() -> None:
    configuration = next(
        str(to_plain(built)["data"]["nginx.conf"])
        for built in build_all(make_samples()["tiny"])
        if (built.kind, built.component) == ("ConfigMap", "edge")
    )
    passed = set(re.findall(r"proxy_pass (http://\w+/\S*);", configuration))
    assert passed == {
        "http://api/v1/",
        "http://media/v1/",
        "http://websocket/ws",
        "http://livekit/rtc",
        "http://api/internal/livekit/door",
    }
    # Asked by the edge itself, never by a client.
    door = re.search(r"location = /livekit-door \{\s*internal;[^}]*\}", configuration)
    assert door is not None
    assert "/internal" not in configuration.replace(door[0], "")


def test_the_edge_asks_the_api_at_a_door_that_it_has() -> None:
    app = build_app(ApiSettings(domain="chat.example.org"))
    assert app.url_path_for("check_door") == "/internal/livekit/door"
    assert "/internal/livekit/door" not in app.openapi()["paths"]
