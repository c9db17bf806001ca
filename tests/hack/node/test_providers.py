from __future__ import annotations

import pytest

from supnode.failure import Failure
from supnode.providers import border
from supnode.providers.border import choose_provider
from supnode.providers.unavailable import UnavailableProvider


def no_engine() -> str:
    return ""


def engine() -> str:
    return "28.2"


def test_without_an_engine_the_node_is_native() -> None:
    choice = choose_provider(asked="", env={}, probe_engine=no_engine)
    assert (choice.name, choice.reason) == ("native", "no Docker engine answers")


def test_an_engine_is_said_aloud_but_not_used_before_kind_can_be() -> None:
    choice = choose_provider(asked="", env={}, probe_engine=engine)
    assert choice.name == "native"
    assert "28.2" in choice.reason


def test_an_engine_chooses_kind_once_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(border, "AVAILABLE", frozenset({"native", "kind"}))
    assert choose_provider(asked="", env={}, probe_engine=engine).name == "kind"
    assert choose_provider(asked="", env={}, probe_engine=no_engine).name == "native"


def test_current_is_taken_only_when_asked_for() -> None:
    env = {"SUP_NODE_PROVIDER": "current"}
    assert choose_provider(asked="", env=env, probe_engine=engine).name == "current"
    assert choose_provider(asked="", env={}, probe_engine=engine).name != "current"


def test_the_option_wins_over_the_variable_and_asks_no_engine() -> None:
    def unasked() -> str:
        raise AssertionError("the engine was asked")

    env = {"SUP_NODE_PROVIDER": "current"}
    choice = choose_provider(asked="native", env=env, probe_engine=unasked)
    assert (choice.name, choice.reason) == ("native", "asked for by --provider")


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(Failure, match="minikube"):
        choose_provider(asked="minikube", env={}, probe_engine=no_engine)


@pytest.mark.parametrize("name", ["kind", "current"])
def test_what_is_not_available_says_what_to_use_instead(name: str) -> None:
    with pytest.raises(Failure, match="not available in this release; use native") as caught:
        UnavailableProvider(name).kubeconfig()
    assert "SUP_NODE_PROVIDER=native" in caught.value.cure
