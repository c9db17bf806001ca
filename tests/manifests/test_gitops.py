"""Argo CD, Flux and Helm 4 read from the status what the operator meant by it."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.control_plane import ROOT, ControlPlane, find_binary, start_control_plane
from support.facts import make_facts, make_object, make_report
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.cluster.write_status import dump_status
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.messenger import HIBERNATE_ANNOTATION, parse_messenger
from supmessenger_operator.model.outcome import Outcome, Stalled, Waiting
from supmessenger_operator.model.status import Status
from supmessenger_operator.status import compute_status

pytestmark = pytest.mark.control_plane

GITOPS = ROOT / "manifests" / "gitops"
SAMPLES = sorted(GITOPS.glob("argocd/*.yaml")) + sorted(GITOPS.glob("flux/**/*.yaml"))
APPLIED = [path for path in SAMPLES if path.name not in {"kustomization.yaml", "health.yaml"}]
GENERATION = 3
INSTALLED = compute_status(make_facts())
DOWN = make_object("StatefulSet", "postgres", is_ready=False, ready=0, message="0 of 1 pods ready")
ASLEEP = parse_messenger(
    {
        "metadata": {
            **make_messenger().metadata.model_dump(by_alias=True),
            "annotations": {HIBERNATE_ANNOTATION: "true"},
        },
        "spec": {"domain": "chat.example.org", "size": "tiny"},
    }
)


def make_asleep() -> Facts:
    """Return the facts of an instance of which nothing runs because a person asked for it."""
    facts = make_facts(messenger=ASLEEP, inputs=make_inputs(ASLEEP), previous=INSTALLED)
    still = tuple(item.model_copy(update={"desired": 0, "ready": 0}) for item in facts.observed)
    return replace(facts, observed=still)


@dataclass(frozen=True)
class Case:
    """A status as the operator writes it, and how it is to be read."""

    name: str
    status: dict[str, Any]
    argo: str
    kstatus: str
    generation: int = GENERATION


def judge(**changes: Any) -> dict[str, Any]:
    return dump_status(compute_status(make_facts(*changes.pop("others", ()), **changes)))


CASES = (
    Case("just created", {"observedGeneration": -1}, "Progressing", "InProgress"),
    Case("edited since", judge(), "Progressing", "InProgress", generation=GENERATION + 1),
    Case(
        "on its way",
        judge(outcome=Outcome(waiting=Waiting(message="postgres starts")), others=(DOWN,)),
        "Progressing",
        "InProgress",
    ),
    Case("well", judge(), "Healthy", "Current"),
    Case(
        "part down",
        judge(previous=INSTALLED, report=make_report(postgres="password refused")),
        "Degraded",
        "InProgress",
    ),
    Case(
        "a person must act",
        judge(outcome=Outcome(stalled=Stalled(reason="Refused", message="spec.smtp: no Secret"))),
        "Degraded",
        "Failed",
    ),
    Case("asleep", dump_status(compute_status(make_asleep())), "Suspended", "Current"),
)


def build_resource(case: Case) -> dict[str, Any]:
    return {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": "demo", "namespace": "chat", "generation": case.generation},
        "spec": {"domain": "chat.example.org"},
        "status": case.status,
    }


def build_lua(value: Any) -> str:
    """Return a JSON value as a Lua expression."""
    match value:
        case dict():
            rows = (f"[{build_lua(key)}] = {build_lua(child)}" for key, child in value.items())
            return "{" + ", ".join(rows) + "}"
        case list():
            return "{" + ", ".join(build_lua(child) for child in value) + "}"
        case None:
            return "nil"
    # The rest is written alike in both, but for escapes beyond ASCII.
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_argo_cds_health_check_reads_the_status(case: Case, tmp_path: Path) -> None:
    customization = yaml.safe_load((GITOPS / "argocd" / "health.yaml").read_text())["data"]
    (check,) = customization.values()
    script = tmp_path / "health.lua"
    script.write_text(
        f"obj = {build_lua(build_resource(case))}\n"
        f"local health = (function()\n{check}\nend)()\n"
        "print(health.status)\nprint(health.message)\n"
    )
    done = subprocess.run(
        [find_binary("glua"), script], capture_output=True, text=True, check=True, timeout=60
    )
    status, message = done.stdout.strip().split("\n", 1)
    assert status == case.argo
    assert message not in {"", "nil"}


def test_kstatus_reads_every_status() -> None:
    """The library by which Helm 4 and Flux judge, on the very statuses the operator writes."""
    resources = json.dumps([build_resource(case) for case in CASES])
    done = subprocess.run(
        [find_binary("kstatus")],
        input=resources,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = {
        case.name: verdict["status"]
        for case, verdict in zip(CASES, json.loads(done.stdout), strict=True)
    }
    assert told == {case.name: case.kstatus for case in CASES}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that knows the resources of Argo CD and Flux, from their own modules."""
    asked = subprocess.run(
        ["python3", str(ROOT / "hack/node"), "definitions"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    with start_control_plane(tmp_path_factory.mktemp("gitops")) as started:
        definitions = asked.stdout.strip()
        run_kubectl(started, "apply", "--server-side", "-f", definitions)
        run_kubectl(started, "apply", "--server-side", "-f", str(ROOT / "crds"))
        wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        run_kubectl(started, *wait)
        for namespace in ("argocd", "flux-system"):
            run_kubectl(started, "create", "namespace", namespace)
        yield started


def run_kubectl(plane: ControlPlane, *words: str) -> str:
    done = subprocess.run(
        [find_binary("kubectl"), "--kubeconfig", plane.kubeconfig, *words],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


STRICT = ("apply", "--server-side", "--dry-run=server", "--validate=strict")


@pytest.mark.parametrize("sample", APPLIED, ids=lambda path: str(path.relative_to(GITOPS)))
def test_the_samples_are_what_their_definitions_ask_for(plane: ControlPlane, sample: Path) -> None:
    assert "serverside-applied" in run_kubectl(plane, *STRICT, "-f", str(sample))


def test_a_sample_with_a_typing_error_would_be_noticed(plane: ControlPlane, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = (GITOPS / "flux" / "kustomizations.yaml").read_text()
    wrong.write_text(text.replace("healthChecks:", "healthCheks:"))
    with pytest.raises(AssertionError, match="healthCheks"):
        run_kubectl(plane, *STRICT, "-f", str(wrong))


def test_the_instance_of_the_samples_is_one_the_server_takes(plane: ControlPlane) -> None:
    rendered = run_kubectl(plane, "kustomize", str(GITOPS / "instance"))
    assert {body["kind"] for body in yaml.safe_load_all(rendered)} == {"Namespace", "SupMessenger"}
    # The namespace does not exist in a dry run, so it is made for the resource's sake.
    run_kubectl(plane, "create", "namespace", "chat")
    run_kubectl(plane, *STRICT, "--kustomize", str(GITOPS / "instance"))


def test_what_flux_waits_for_is_what_the_samples_make() -> None:
    documents = list(yaml.safe_load_all((GITOPS / "flux" / "kustomizations.yaml").read_text()))
    waited = {
        (check["kind"], check["name"], check["namespace"])
        for document in documents
        for check in document["spec"]["healthChecks"]
    }
    made = set()
    for path in (GITOPS / "instance" / "messenger.yaml", GITOPS / "flux/operator/release.yaml"):
        body = yaml.safe_load(path.read_text())
        metadata = body["metadata"]
        made.add((body["kind"], metadata["name"], metadata["namespace"]))
    assert waited == made
    for document in documents:
        assert (ROOT / document["spec"]["path"] / "kustomization.yaml").is_file()


def test_the_definition_comes_back_as_it_was_sent(plane: ControlPlane) -> None:
    """What the server drops or changes would be a difference that Argo CD never gets in sync."""
    (sent,) = yaml.safe_load_all((ROOT / "crds" / "supmessengers.yaml").read_text())
    kept = json.loads(run_kubectl(plane, "get", "crd", sent["metadata"]["name"], "-o", "json"))
    assert list(find_differences(sent["spec"], kept["spec"], "spec")) == []


def find_differences(sent: Any, kept: Any, path: str) -> Iterator[str]:
    """Name each value that was sent and is not kept; what the server added is left out."""
    match sent, kept:
        case dict(), dict():
            for name, value in sent.items():
                if name in kept:
                    yield from find_differences(value, kept[name], f"{path}.{name}")
                else:
                    yield f"{path}.{name}"
        case list(), list() if len(sent) == len(kept):
            for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
                yield from find_differences(one, other, f"{path}[{index}]")
        case _ if sent != kept:
            yield path


def test_the_status_of_a_new_resource_is_the_definitions_default() -> None:
    (definition,) = yaml.safe_load_all((ROOT / "crds" / "supmessengers.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["status"]["default"] == CASES[0].status
    assert Status.model_validate(CASES[0].status).observed_generation == -1
