"""Which pods Prometheus asks for metrics, and how: each of the instance exactly once."""

from collections.abc import Mapping
from typing import Any

from supmessenger_operator.desired import exporters, object_storage, rabbitmq
from supmessenger_operator.desired.naming import build_selector
from supmessenger_operator.model import Inputs, Messenger

INTERVAL_SECONDS = 15
# Stands where the pod's script writes the name of the remote store's user.
USERNAME_MARK = "@REMOTE_WRITE_USERNAME@"
CREDENTIALS = "/bindings/remote-write"
NODE_EXPORTER_PORT = 9100
# No honest pod of ours comes near: a flood of series must not become the store's end.
_MOST_SAMPLES = 50_000

_META = "__meta_kubernetes_pod_"
_COMPONENT = f"{_META}label_app_kubernetes_io_component"
_PORT_NAME = f"{_META}container_port_name"

Rule = dict[str, Any]


def build_config(messenger: Messenger, inputs: Inputs) -> dict[str, Any]:
    """Return prometheus.yml, valid for Prometheus 2.42 to 3.x."""
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": f"{INTERVAL_SECONDS}s",
            "scrape_timeout": "10s",
            "evaluation_interval": f"{INTERVAL_SECONDS}s",
            # Only what leaves this Prometheus carries them.
            "external_labels": {
                "sup_instance": messenger.name,
                "sup_namespace": messenger.namespace,
            },
        },
        "rule_files": ["/etc/sup-prometheus/rules.yml"],
        "scrape_configs": [
            _build_pods_job(messenger),
            *_build_object_storage_job(messenger),
            *_build_redis_job(messenger, inputs),
            _build_nodes_job(inputs),
        ],
    }
    remote = _build_remote_write(messenger)
    return {**config, "remote_write": [remote]} if remote else config


def _build_pods_job(messenger: Messenger) -> dict[str, Any]:
    """Every container port that is called `metrics` or `metrics-…`."""
    return {
        "job_name": "pods",
        "sample_limit": _MOST_SAMPLES,
        "kubernetes_sd_configs": [_build_discovery(messenger)],
        "relabel_configs": [
            _keep(f"{_META}phase", "Running"),
            _keep(_PORT_NAME, "metrics(-.+)?"),
            *_build_pod_labels(),
            # What an exporter tells of is the job, not the exporter.
            *(
                {
                    "source_labels": [_COMPONENT, _PORT_NAME],
                    "regex": f"{exporters.COMPONENT};{port}",
                    "target_label": "job",
                    "replacement": job,
                }
                for port, job in exporters.JOBS.items()
            ),
            # The depth of each queue is what matters; the default path adds them all up.
            {
                "source_labels": [_COMPONENT],
                "regex": rabbitmq.COMPONENT,
                "target_label": "__metrics_path__",
                "replacement": "/metrics/per-object",
            },
        ],
    }


def _build_object_storage_job(messenger: Messenger) -> list[dict[str, Any]]:
    """MinIO shows its metrics on the port of its S3 interface, under a path of its own."""
    if messenger.spec.object_storage.embedded is None:
        return []
    return [
        {
            "job_name": object_storage.COMPONENT,
            "sample_limit": _MOST_SAMPLES,
            "metrics_path": "/minio/v2/metrics/cluster",
            "kubernetes_sd_configs": [
                _build_discovery(messenger, component=object_storage.COMPONENT)
            ],
            "relabel_configs": [
                _keep(f"{_META}phase", "Running"),
                _keep(_PORT_NAME, "s3"),
                *_build_pod_labels(),
            ],
        }
    ]


def _build_redis_job(messenger: Messenger, inputs: Inputs) -> list[dict[str, Any]]:
    """One exporter asks the cache and the state store, whichever way they are provided."""
    if not exporters.has_redis(messenger, inputs):
        return []
    return [
        {
            "job_name": "redis",
            "sample_limit": _MOST_SAMPLES,
            "metrics_path": "/scrape",
            "static_configs": [
                {"targets": [address], "labels": {"job": component, "instance": component}}
                for component, address in exporters.build_redis_addresses(messenger).items()
            ],
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {
                    "target_label": "__address__",
                    "replacement": (
                        f"{messenger.object_name(exporters.COMPONENT)}:{exporters.REDIS_PORT}"
                    ),
                },
            ],
        }
    ]


def _build_nodes_job(inputs: Inputs) -> dict[str, Any]:
    """The cluster's node agents, where the operator's chart runs them; none is no error."""
    return {
        "job_name": "nodes",
        "sample_limit": _MOST_SAMPLES,
        "dns_sd_configs": [
            {
                "names": [
                    f"{inputs.release}-node-exporter.{namespace}.svc.{inputs.cluster_domain}"
                    for namespace in (inputs.operator_namespace, inputs.agents_namespace)
                ],
                "type": "A",
                "port": NODE_EXPORTER_PORT,
                "refresh_interval": "60s",
            }
        ],
        "relabel_configs": [{"target_label": "job", "replacement": "node"}],
    }


def _build_discovery(messenger: Messenger, *, component: str = "") -> dict[str, Any]:
    labels = build_selector(messenger, component)
    if not component:
        del labels["app.kubernetes.io/component"]
    return {
        "role": "pod",
        "namespaces": {"names": [messenger.namespace]},
        "selectors": [
            {"role": "pod", "label": ",".join(f"{key}={value}" for key, value in labels.items())}
        ],
    }


def _build_pod_labels() -> list[Rule]:
    """A series is known by its component and its pod; an address changes with each restart."""
    return [
        {"source_labels": [_COMPONENT], "target_label": "job"},
        {"source_labels": [f"{_META}name"], "target_label": "instance"},
    ]


def _keep(label: str, regex: str) -> Rule:
    return {"action": "keep", "source_labels": [label], "regex": regex}


def _build_remote_write(messenger: Messenger) -> Mapping[str, Any]:
    monitoring = messenger.spec.monitoring
    external = monitoring.prometheus.external if monitoring is not None else None
    if external is None:
        return {}
    remote: dict[str, Any] = {
        "url": external.url,
        "remote_timeout": "30s",
        "queue_config": {"max_shards": 10, "max_backoff": "30s"},
    }
    if external.credentials_secret_ref is not None:
        remote["basic_auth"] = {
            "username": USERNAME_MARK,
            "password_file": f"{CREDENTIALS}/password",
        }
    return remote
