"""Rules of the tree that no single file could keep."""

from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_operator_folders_are_no_packages() -> None:
    # An `operator` package would shadow the standard library's module of that name.
    for folder in ("operator", "tests/operator"):
        assert not (CHECKOUT / folder / "__init__.py").exists()


def test_no_folder_of_tests_is_a_package() -> None:
    assert [str(path) for path in (CHECKOUT / "tests").rglob("__init__.py")] == []


@pytest.mark.parametrize("path", sorted((CHECKOUT / "manifests/samples").glob("*.yaml")))
def test_a_sample_names_our_api_and_a_domain(path: Path) -> None:
    for body in yaml.safe_load_all(path.read_text()):
        assert body["apiVersion"] == "supmessenger.io/v1alpha1"
        assert body["spec"]["domain"].endswith("example.org")


def test_the_minimal_sample_is_a_handful_of_lines() -> None:
    text = (CHECKOUT / "manifests/samples/minimal.yaml").read_text()
    assert len([line for line in text.splitlines() if not line.startswith("#")]) <= 10
