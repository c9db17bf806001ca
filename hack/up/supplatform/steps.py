"""The steps from a node to a conversation, each usable alone."""

import json
import os
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from supnode.failure import Failure
from supnode.paths import write_atomically
from supnode.providers.border import NATIVE
from supnode.steps import Steps
from supplatform.delivery import CORE_SPEC
from supplatform.readiness import wait_until_ready
from supplatform.tools import CHECKOUT, Tools
from supplatform.values import build_values
from supplatform.way import Way, hold_until_heard, open_way

OPERATOR_NAMESPACE = "sup-system"
# The samples are written for the first; another one may be asked for.
SAMPLES_NAMESPACE = "chat"
NAMESPACE = os.environ.get("SUP_NAMESPACE", SAMPLES_NAMESPACE)
INSTANCE = "demo"
# A cluster may have an operator that its administrators look after: it is left alone.
KEEPS_OPERATOR = os.environ.get("SUP_OPERATOR", "") == "present"
# What stands beside the sample for the smoke conversation, each in a file of its name.
SINKS = ("smtp-sink", "push-sink")
READY_SECONDS = 600.0


def install_operator(tools: Tools, images: dict[str, str]) -> None:
    """Install or upgrade the operator with its chart."""
    values = CHECKOUT / "build" / "operator-values.json"
    write_atomically(values, json.dumps(build_values(images), indent=1) + "\n")
    tools.log(
        "helm",
        "helm",
        "upgrade",
        "--install",
        "sup-operator",
        str(CHECKOUT / "charts/sup-operator"),
        "--namespace",
        OPERATOR_NAMESPACE,
        "--create-namespace",
        "--values",
        str(values),
        "--wait",
        "--timeout",
        "3m",
    )


def apply_sample(tools: Tools, path: str) -> None:
    """Apply a sample manifest in the sample's namespace."""
    create_namespace(tools)
    manifest = (CHECKOUT / "manifests/samples" / path).read_text()
    _apply_as(tools, "sample", manifest)
    if tools.provider != NATIVE:
        patch = json.dumps({"spec": CORE_SPEC})
        where = ("-n", NAMESPACE, "--type=merge", "--field-manager=provider", "--patch", patch)
        tools.kubectl("patch", "sup", INSTANCE, *where)


def drop_reloads(tools: Tools) -> None:
    """Take back the image overrides of earlier reloads, which would outlast new defaults."""
    found = tools.kubectl("get", "sup", "-n", NAMESPACE, "--ignore-not-found", INSTANCE)
    if found:
        patch = '{"spec":{"images":{"overrides":null}}}'
        where = ("-n", NAMESPACE, "--type=merge", "--patch", patch)
        tools.kubectl("patch", "sup", INSTANCE, *where)


def create_namespace(tools: Tools) -> None:
    """Create the sample's namespace with the restricted Pod Security Standard enforced."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    tools.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def apply_smoke_overlay(tools: Tools, images: dict[str, str]) -> None:
    """Apply the minimal sample with the sinks beside it; the sinks first, as they are checked."""
    create_namespace(tools)
    overlay = CHECKOUT / "manifests/samples/smoke"
    rendered = tools.kubectl("kustomize", str(overlay), "--load-restrictor", "LoadRestrictionsNone")
    sinks = "---\n".join((overlay / f"{sink}.yaml").read_text() for sink in SINKS)
    for manifest in (sinks, rendered):
        for sink in SINKS:
            manifest = manifest.replace(f"image: {sink}", f"image: {images[sink]}")
        _apply_as(tools, "smoke", manifest)
        for sink in SINKS:
            where = ("-n", NAMESPACE, "--timeout", "120s")
            tools.kubectl("rollout", "status", f"deployment/{sink}", *where)
    if tools.provider == NATIVE:
        _switch_on_kafka(tools)


def _switch_on_kafka(tools: Tools) -> None:
    """Switch on the one part that is off by default: on our own node everything is shown."""
    patch = json.dumps({"spec": {"kafka": {"enabled": True}}})
    where = ("-n", NAMESPACE, "--type=merge", "--field-manager=everything", "--patch", patch)
    tools.kubectl("patch", "sup", INSTANCE, *where)


def remove_platform(tools: Tools) -> None:
    """Take the sample and the operator out of a cluster; definitions and data stay."""
    gone = ("--ignore-not-found", "--wait", "--timeout", "120s")
    sinks = (("deployment,service", sink) for sink in SINKS)
    for kind, name in (("sup", INSTANCE), *sinks):
        tools.kubectl("delete", kind, name, "-n", NAMESPACE, *gone)
    if not KEEPS_OPERATOR:
        where = ("--namespace", OPERATOR_NAMESPACE, "--ignore-not-found", "--wait")
        tools.log("helm", "helm", "uninstall", "sup-operator", *where)


def _apply_as(tools: Tools, manager: str, manifest: str) -> None:
    # Two field managers: applying the sample again leaves alone what the overlay has added.
    flags = ("--server-side", "--force-conflicts", "--field-manager", manager)
    here = localize(manifest, NAMESPACE)
    tools.kubectl("apply", *flags, "-n", NAMESPACE, "-f", "-", stdin=here)


def localize(manifest: str, namespace: str) -> str:
    """Return a sample for another namespace than the one it was written for."""
    for written in (f"namespace: {SAMPLES_NAMESPACE}\n", f".{SAMPLES_NAMESPACE}.svc"):
        manifest = manifest.replace(written, written.replace(SAMPLES_NAMESPACE, namespace))
    return manifest


def wait_for_instance(tools: Tools, steps: Steps) -> None:
    """Wait until the sample instance is Ready."""

    def read() -> dict[str, Any]:
        resource: dict[str, Any] = tools.kubectl_json("get", "sup", INSTANCE, "-n", NAMESPACE)
        return resource

    wait_until_ready(read, say=steps.say, deadline=READY_SECONDS)


def hold_smoke(tools: Tools) -> None:
    """Hold the smoke conversation with the sample instance."""
    argv = [".venv/bin/kubectl-sup", "smoke", INSTANCE, "-n", NAMESPACE]
    environment = {**os.environ, **tools.environment()}

    def hold(way: Way) -> bool:
        done = subprocess.run([*argv, *way.flags], cwd=CHECKOUT, env=environment, check=False)
        return done.returncode == 0

    edge = f"{INSTANCE}-edge"
    if not hold_until_heard(
        hold, opened=lambda: open_way(tools, namespace=NAMESPACE, service=edge)
    ):
        raise Failure(
            "the smoke conversation failed",
            cure=f"kubectl describe sup {INSTANCE} -n {NAMESPACE} names what is unwell",
        )


class Background:
    """A step in a thread of its own whose failure is raised where it is waited for."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._failure: Failure | None = None
        self._run = run
        self._thread = threading.Thread(target=self._guard, daemon=True)
        self._thread.start()

    def _guard(self) -> None:
        try:
            self._run()
        except Failure as failure:
            self._failure = failure

    def wait(self) -> None:
        """Wait for the end; raises the Failure the step ended with."""
        self._thread.join()
        if self._failure:
            raise self._failure
