from __future__ import annotations

import json

import pytest

from supnode.failure import Failure
from supnode.providers.border import choose_provider
from supnode.providers.current import Context, choose_context, choose_registry, parse_config


def no_engine() -> str:
    return ""


def engine() -> str:
    return "28.2"


def test_without_an_engine_the_node_is_native() -> None:
    choice = choose_provider(asked="", env={}, probe_engine=no_engine)
    assert (choice.name, choice.reason) == ("native", "no Docker engine answers")


def test_an_engine_that_answers_chooses_kind() -> None:
    choice = choose_provider(asked="", env={}, probe_engine=engine)
    assert (choice.name, choice.reason) == ("kind", "Docker engine 28.2 answers")


def test_current_is_taken_only_when_asked_for() -> None:
    env = {"SUP_PROVIDER": "current"}
    assert choose_provider(asked="", env=env, probe_engine=engine).name == "current"
    assert choose_provider(asked="", env={}, probe_engine=engine).name != "current"


def test_the_option_wins_over_the_variable_and_asks_no_engine() -> None:
    def unasked() -> str:
        raise AssertionError("the engine was asked")

    env = {"SUP_PROVIDER": "current"}
    choice = choose_provider(asked="native", env=env, probe_engine=unasked)
    assert (choice.name, choice.reason) == ("native", "asked for by --provider")


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(Failure, match="minikube"):
        choose_provider(asked="minikube", env={}, probe_engine=no_engine)


def test_current_asks_for_a_registry_by_name() -> None:
    for named in ("", "https://registry.example.org"):
        with pytest.raises(Failure, match="SUP_REGISTRY must name a registry") as caught:
            choose_registry({"SUP_REGISTRY": named})
        assert "SUP_REGISTRY=registry.example.org/team" in caught.value.cure
    assert choose_registry({"SUP_REGISTRY": "r.example.org/a/"}) == "r.example.org/a"


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("kind-sup", "https://example.org:6443"),
        ("minikube", "https://192.168.49.2:8443"),
        ("mine", "https://127.0.0.1:6443"),
        ("mine", "https://[::1]:6443"),
        ("mine", "https://localhost:6443"),
    ],
)
def test_a_context_of_this_machine_needs_no_confirmation(name: str, server: str) -> None:
    context = Context(name, server)
    assert choose_context(context, confirmed="") == context


@pytest.mark.parametrize("server", ["https://cluster.example.org", "https://10.0.0.5:6443"])
def test_a_context_elsewhere_is_refused_unless_it_is_named(server: str) -> None:
    production = Context("production", server)
    with pytest.raises(Failure, match="is not on this machine") as caught:
        choose_context(production, confirmed="")
    assert caught.value.cure.startswith("SUP_CONTEXT=production make up")
    assert choose_context(production, confirmed="production") == production


def test_a_confirmed_context_must_be_the_one_that_is_used() -> None:
    with pytest.raises(Failure, match="no context 'other'"):
        choose_context(Context("kind-sup", "https://127.0.0.1:1"), confirmed="other")


def test_a_kubeconfig_without_a_context_is_said_to_lack_one() -> None:
    with pytest.raises(Failure, match="no current context"):
        parse_config('{"contexts": null, "clusters": []}')
    document = {
        "contexts": [{"name": "a", "context": {"cluster": "b"}}],
        "clusters": [{"name": "b", "cluster": {"server": "https://c:1"}}],
    }
    assert parse_config(json.dumps(document)) == Context("a", "https://c:1")
