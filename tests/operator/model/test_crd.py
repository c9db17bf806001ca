"""Rules that the generated definition keeps."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from supmessenger_operator.model.crd import build_crd, build_root_schema, build_spec_schema
from supmessenger_operator.model.reference import build_values_schema

ROOT = Path(__file__).resolve().parents[3]


def fields(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if isinstance(node.get("items"), Mapping):
        yield from fields(node["items"], f"{path}[]")


ALL = dict(fields(build_root_schema()["properties"]["spec"], "spec"))


def test_the_definition_fits_where_it_must() -> None:
    assert len(yaml.safe_dump(build_crd())) <= 200 * 1024


def test_every_field_is_described_in_one_line() -> None:
    for part in ("spec", "status"):
        for path, node in fields(build_root_schema()["properties"][part], part):
            text = node.get("description", "")
            assert text, f"{path} has no description"
            assert "\n" not in text, path


def test_every_plain_default_is_told_in_the_description() -> None:
    for path, node in ALL.items():
        default = node.get("default")
        if isinstance(default, bool | int | str):
            text = node["description"].lower()
            assert "default" in text or f"{default}".lower() in text, path


@pytest.mark.parametrize(
    "path",
    [
        "spec.api.replicas",
        "spec.api.resources.requests.cpu",
        "spec.postgres.embedded.storage.size",
        "spec.redis.embedded.maxMemory",
    ],
)
def test_what_size_moves_has_no_default_in_the_schema(path: str) -> None:
    assert "default" not in ALL[path]


def test_pod_templates_are_opaque_to_the_schema() -> None:
    templates = [node for path, node in ALL.items() if path.endswith(".podTemplate")]

    assert len(templates) > 8
    assert all(node["x-kubernetes-preserve-unknown-fields"] for node in templates)


def test_people_find_it_by_its_short_name_and_with_all() -> None:
    names = build_crd()["spec"]["names"]

    assert names["shortNames"] == ["sup"]
    assert names["categories"] == ["all", "sup"]


def test_secrets_are_referenced_and_never_inlined() -> None:
    for path, node in ALL.items():
        name = path.rsplit(".", 1)[-1].lower()
        if "password" in name or name.endswith("token"):
            raise AssertionError(f"{path} would hold a secret")
        if name.endswith("secretref"):
            assert set(node["properties"]) == {"name", "key"}


@pytest.mark.parametrize(
    ("values", "is_sound"),
    [
        ({"domain": "chat.example.org"}, True),
        ({"domain": "chat.example.org", "global": {}}, True),
        ({"domain": "chat.example.org", "api": {"resources": {"requests": {"cpu": 1}}}}, True),
        ({"domain": "chat.example.org", "api": {"podTemplate": {"any": 1}}}, True),
        ({"domain": "chat.example.org", "tls": {"selfSigned": {}}}, True),
        ({"domain": "chat.example.org", "tls": {"selfSigned": {"x": 1}}}, False),
        ({"domain": "chat.example.org", "dommain": "x"}, False),
        ({"domain": "chat.example.org", "api": {"replica": 2}}, False),
        ({"domain": "chat.example.org", "media": {"maxUploadSize": "big"}}, False),
        ({}, False),
    ],
)
def test_the_chart_s_schema_refuses_what_is_unknown(values: dict[str, Any], is_sound: bool) -> None:
    validator = jsonschema.Draft7Validator(build_values_schema())

    assert validator.is_valid(values) is is_sound


def test_the_schema_is_plain_data() -> None:
    assert json.loads(json.dumps(build_spec_schema())) == build_spec_schema()


def test_generated_files_are_current() -> None:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "hack" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout
