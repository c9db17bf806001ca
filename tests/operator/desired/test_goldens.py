"""Whole instances as they are applied; `make golden` writes them anew."""

import os
from pathlib import Path

import pytest
import yaml
from support.deployables import build_all, make_samples, to_plain
from support.messengers import make_messenger

from supmessenger_operator.model import Messenger

GOLDEN = Path(__file__).parent / "golden"

PRODUCTION = make_messenger(
    name="prod",
    spec={
        "size": "large",
        "domain": "chat.example.com",
        "images": {"pullSecrets": ["registry"]},
        "exposure": {"annotations": {"example.com/load-balancer-class": "public"}},
        "tls": {"secretRef": {"name": "chat-tls"}},
        "edge": {"workerConnections": 8192},
        "api": {"autoscaling": {"minReplicas": 4, "maxReplicas": 8}},
        "websocket": {"replicas": 6, "drain": {"duration": "2m"}},
        "media": {"maxUploadSize": "4Gi", "podTemplate": {"spec": {"priorityClassName": "chat"}}},
        "postgres": {
            "embedded": {
                "storage": {"size": "500Gi", "className": "fast"},
                "parameters": {"max_connections": "400", "shared_buffers": "4GB"},
            }
        },
        "accounts": {"registration": "invite"},
        "smtp": {
            "host": "smtp.example.com",
            "from": "chat@example.com",
            "credentialsSecretRef": {"name": "smtp-login"},
        },
        "security": {"cors": {"allowedOrigins": ["https://app.example.com"]}},
        "backup": {"schedule": "30 1 * * *", "timeZone": "Europe/Zurich"},
    },
)
INSTANCES = {
    **{
        name.removeprefix("sample-"): messenger
        for name, messenger in make_samples().items()
        if name.startswith("sample-")
    },
    "production": PRODUCTION,
}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a change of a file reads as one."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


@pytest.mark.parametrize(("name", "messenger"), INSTANCES.items(), ids=INSTANCES)
def test_an_instance_is_built_as_its_golden_says(name: str, messenger: Messenger) -> None:
    bodies = [to_plain(built) for built in build_all(messenger)]
    text = yaml.dump_all(bodies, Dumper=_Dumper, sort_keys=False, width=1000)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("SUP_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert list(yaml.safe_load_all(path.read_text())) == bodies, "run `make golden`, read the diff"


def test_no_golden_is_left_behind() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(INSTANCES)


def test_building_twice_gives_the_same() -> None:
    assert build_all(PRODUCTION) == build_all(PRODUCTION)
