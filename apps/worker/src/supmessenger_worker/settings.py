"""Settings of the worker."""

from pydantic import Field

from supmessenger_common.push.hosts import KNOWN_HOSTS
from supmessenger_common.settings import ServiceSettings


class WorkerSettings(ServiceSettings):
    """What the environment says beyond the settings of every service."""

    port: int = Field(default=3004, ge=0, le=65535)
    worker_concurrency: int = Field(default=16, ge=1, description="jobs at once")
    check_interval_seconds: float = Field(default=30, gt=0)
    web_push_allowed_hosts: str = ",".join(KNOWN_HOSTS)
    transcoding_concurrency: int = Field(default=1, ge=1, description="videos at once")
    transcoding_max_source_size: int = Field(default=512 * 1024 * 1024, ge=1, description="bytes")
    transcoding_max_duration_seconds: float = Field(default=1800, gt=0)
    expected_schema: str = ""
    events_enabled: bool = False
    events_topic: str = Field(default="sup.messages", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    # What waits for Kafka at most: some hundred bytes each, beside people's messages.
    events_max_pending: int = Field(default=200_000, ge=1)
    events_max_age_seconds: float = Field(default=7 * 86400, gt=0)
    # Addresses the checker asks beyond the bindings; empty: not checked.
    check_api_url: str = ""
    check_websocket_url: str = ""
    check_media_url: str = ""
    check_edge_url: str = ""
    check_livekit_url: str = ""
    check_turn_address: str = Field(default="", pattern=r"^$|^[^:]+:[0-9]{1,5}$")
    check_prometheus_url: str = ""
    check_grafana_url: str = ""
    check_loki_url: str = ""
