"""What the chart sets is what the operator reads."""

import re
from pathlib import Path

import pytest

from supmessenger_operator.settings import OperatorSettings, read_defaults

CHART = Path(__file__).resolve().parents[2] / "charts" / "sup-operator"


def test_every_variable_of_the_chart_is_a_setting() -> None:
    template = (CHART / "templates" / "deployment.yaml").read_text()
    names = set(re.findall(r"SUP_OPERATOR_([A-Z_]+)", template))

    assert names
    assert names <= {name.upper() for name in OperatorSettings.model_fields}


def test_namespaces_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUP_OPERATOR_WATCH_NAMESPACES", "chat, other,")
    assert OperatorSettings().watch_namespaces == ("chat", "other")

    monkeypatch.setenv("SUP_OPERATOR_WATCH_NAMESPACES", "")
    assert OperatorSettings().watch_namespaces == ()


def test_one_registry_key_re_homes_all_default_images(tmp_path: Path) -> None:
    file = tmp_path / "images.json"
    file.write_text('{"registry": "127.0.0.1:5000", "components": {"redis": "docker.io/redis:7"}}')

    defaults = read_defaults(OperatorSettings(images_file=file, namespace="ops"))

    assert defaults.images == {"redis": "127.0.0.1:5000/redis:7"}
    assert defaults.operator_namespace == "ops"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", defaults.version)
