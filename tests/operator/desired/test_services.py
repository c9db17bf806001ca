"""What api, websocket, media, worker, edge and backup are told by the resource."""

from typing import Any

import pytest
from support.deployables import Deployable, build_all, list_deployables, to_plain
from support.messengers import make_messenger

from supmessenger_operator.desired.edge import build_nginx_conf
from supmessenger_operator.desired.object_storage import compute_server_command


def find(component: str, spec: dict[str, Any] | None = None) -> Deployable:
    """Return what runs a component's pods."""
    objects = build_all(make_messenger(spec=spec))
    return next(one for one in list_deployables(objects) if one.component == component)


def read_env(component: str, spec: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the environment of a component's main container."""
    container = find(component, spec).pod["containers"][0]
    return {one["name"]: one["value"] for one in container["env"]}


def list_bindings(component: str, spec: dict[str, Any] | None = None) -> set[str]:
    """Return the binding folders of a component's main container."""
    mounts = find(component, spec).pod["containers"][0]["volumeMounts"]
    prefix = "/bindings/"
    paths = [mount["mountPath"] for mount in mounts]
    return {path.removeprefix(prefix) for path in paths if path.startswith(prefix)}


@pytest.mark.parametrize(
    ("component", "bindings"),
    [
        ("api", {"postgres", "redis-cache", "redis-state", "credentials", "livekit", "turn"}),
        ("websocket", {"postgres", "redis-cache", "redis-state", "credentials"}),
        (
            "media",
            {"postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage", "credentials"},
        ),
        (
            "worker",
            {
                *("postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage"),
                *("credentials", "livekit", "turn"),
            },
        ),
        ("livekit", {"livekit", "redis-state", "turn"}),
        ("turn", {"turn", "tls"}),
        ("migrations", {"postgres"}),
        ("backup", {"postgres", "object-storage"}),
        ("edge", {"tls"}),
        (
            "object-storage-setup",
            {
                "object-storage",
                "object-storage-media",
                "object-storage-worker",
                "object-storage-backup",
            },
        ),
    ],
)
def test_a_service_gets_the_bindings_of_the_contract(component: str, bindings: set[str]) -> None:
    assert list_bindings(component) == bindings


def test_mail_brings_verification_and_its_binding() -> None:
    spec = {"smtp": {"host": "smtp.example.org", "from": "a@example.org"}}
    assert read_env("api", spec)["SUP_EMAIL_VERIFICATION"] == "true"
    assert "smtp" in list_bindings("worker", spec)
    assert read_env("api")["SUP_EMAIL_VERIFICATION"] == "false"
    assert "smtp" not in list_bindings("worker")


def test_the_resource_speaks_through_the_environment() -> None:
    spec = {
        "accounts": {"registration": "invite"},
        "security": {
            "cors": {"allowedOrigins": ["https://a.example.org", "https://b.example.org"]},
            "rateLimits": {"enabled": False},
        },
        "media": {"maxUploadSize": "1Gi"},
        "worker": {"concurrency": 4},
        "websocket": {"drain": {"duration": "1m30s"}},
    }
    api = read_env("api", spec)
    assert api["SUP_REGISTRATION"] == "invite"
    assert api["SUP_CORS_ALLOWED_ORIGINS"] == "https://a.example.org,https://b.example.org"
    assert api["SUP_RATE_LIMITS_ENABLED"] == "false"
    assert read_env("media", spec)["SUP_MAX_UPLOAD_SIZE"] == str(2**30)
    assert read_env("worker", spec)["SUP_WORKER_CONCURRENCY"] == "4"
    assert read_env("websocket", spec)["SUP_DRAIN_SECONDS"] == "90"
    assert find("websocket", spec).pod["terminationGracePeriodSeconds"] > 90


def test_the_worker_checks_every_service() -> None:
    env = read_env("worker")
    assert env["SUP_CHECK_API_URL"] == "http://demo-api:3000"
    assert env["SUP_CHECK_WEBSOCKET_URL"] == "http://demo-websocket:3001"
    assert env["SUP_CHECK_MEDIA_URL"] == "http://demo-media:3003"
    assert env["SUP_CHECK_EDGE_URL"] == "https://demo-edge:443/healthz"
    plain = read_env("worker", {"tls": {"disabled": {}}})
    assert plain["SUP_CHECK_EDGE_URL"] == "http://demo-edge:80/healthz"


def build_edge_service(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the edge's Service."""
    objects = build_all(make_messenger(spec=spec))
    return next(
        to_plain(built) for built in objects if (built.kind, built.component) == ("Service", "edge")
    )


def test_the_edge_is_exposed_as_declared() -> None:
    annotations = {"example.org/class": "public"}
    for kind in ("LoadBalancer", "NodePort", "ClusterIP"):
        service = build_edge_service({"exposure": {"type": kind, "annotations": annotations}})
        assert service["spec"]["type"] == kind
        assert service["metadata"]["annotations"] == annotations
        ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
        assert ports == {"http": 80, "https": 443}


def test_without_tls_there_is_no_https_port_and_no_certificate() -> None:
    spec: dict[str, Any] = {"tls": {"disabled": {}}}
    ports = [port["name"] for port in build_edge_service(spec)["spec"]["ports"]]
    assert ports == ["http"]
    assert list_bindings("edge", spec) == set()


def test_nginx_is_told_what_the_resource_says() -> None:
    spec = {"edge": {"workerConnections": 1234}, "media": {"maxUploadSize": "1Gi"}}
    text = build_nginx_conf(make_messenger(spec=spec))
    assert "worker_connections 1234;" in text
    assert f"client_max_body_size {2**30 + 2**20};" in text


def test_only_a_certificate_that_browsers_trust_is_pinned() -> None:
    own = {"tls": {"secretRef": {"name": "mine"}}}
    assert "Strict-Transport-Security" in build_nginx_conf(make_messenger(spec=own))
    assert "Strict-Transport-Security" not in build_nginx_conf(make_messenger())


def test_the_address_of_a_client_is_taken_from_a_proxy_only_behind_one() -> None:
    behind = {"exposure": {"type": "ClusterIP"}}
    assert "real_ip_header" in build_nginx_conf(make_messenger(spec=behind))
    assert "real_ip_header" not in build_nginx_conf(make_messenger())


def test_backups_follow_schedule_zone_and_retention() -> None:
    spec = {
        "backup": {
            "schedule": "5 3 * * *",
            "timeZone": "Europe/Zurich",
            "retention": {"keepLast": 3},
        }
    }
    backup = find("backup", spec)
    cron = backup.body["spec"]
    assert (cron["schedule"], cron["timeZone"]) == ("5 3 * * *", "Europe/Zurich")
    assert cron["concurrencyPolicy"] == "Forbid"
    assert backup.pod["containers"][0]["args"][-2:] == ["--keep", "3"]
    default = find("backup").body["spec"]
    assert (default["schedule"], default["timeZone"]) == ("0 2 * * *", "Etc/UTC")


def test_the_dump_is_made_by_the_server_s_own_release() -> None:
    backup = find("backup")
    postgres = find("postgres")
    assert backup.pod["initContainers"][0]["image"] == postgres.pod["containers"][0]["image"]


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("minio/minio:RELEASE.2025-09-07T16-13-09Z", "minio"),
        ("127.0.0.1:5050/sup/minio@sha256:abc", "minio"),
        ("pgsty/minio:RELEASE.2026-08-04T00-00-00Z", "minio"),
        ("pgsty/silo:RELEASE.2026-09-16T00-00-00Z", "silo"),
        ("silo.example.org:5000/mirror/minio:1", "minio"),
    ],
)
def test_the_object_store_is_started_by_the_name_of_its_image(image: str, program: str) -> None:
    assert compute_server_command(image) == program
