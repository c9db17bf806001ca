"""Ways to install, seen with real pods: Helm 4 that waits, a mirror of images, other clusters."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.control_plane import ROOT, find_binary, free_ports
from support.instance import Instance

from supmessenger_cli.target import Kubectl
from supnode.addresses import DEFAULT_NAME
from supnode.native import NativeNode
from supplatform.delivery import CORE_IMAGES

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]

KUBECTL = Kubectl(timeout=60)
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


async def run(*command: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    """Run a program; return all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == code, said.decode()[-4000:]
    return said.decode()


async def test_every_object_of_the_plain_manifest_is_what_helm_installed() -> None:
    await run("kubectl", "get", "-f", str(ROOT / "manifests/install.yaml"))


@contextmanager
def run_mirror(folder: Path) -> Iterator[str]:
    """Run a second registry on loopback, on the machine's and on the node's, over one folder."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    config = {"version": 0.1, "log": {"level": "error"}, "storage": storage}
    file = folder / "registry.json"
    file.write_text(json.dumps({**config, "http": {"addr": address}}))
    command = [str(find_binary("registry")), "serve", str(file)]
    inside = [*NativeNode(DEFAULT_NAME).enclosure.enter(), *command]
    env = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    with (
        subprocess.Popen(command, env=env) as machine,
        subprocess.Popen(inside, env=env) as node,
    ):
        try:
            yield address
        finally:
            machine.terminate()
            node.terminate()


@contextmanager
def make_namespace(name: str) -> Iterator[str]:
    """Make a namespace under the restricted standard, and remove it with all that is in it."""
    subprocess.run(["kubectl", "create", "namespace", name], check=True, capture_output=True)
    subprocess.run(["kubectl", "label", "ns", name, RESTRICTED], check=True, capture_output=True)
    try:
        yield name
    finally:
        gone = ["kubectl", "delete", "namespace", name, "--timeout=180s"]
        subprocess.run(gone, check=True, capture_output=True)


async def test_helm_4_waits_for_an_instance_from_a_mirror_that_a_bundle_filled(
    tmp_path: Path,
) -> None:
    # The images that the cluster's operator gives out, and none for the parts that are off.
    shown = await KUBECTL.get("configmap", "sup-operator-images", "-n", "sup-system")
    catalogue = json.loads(shown["data"]["images.json"])["components"]
    parts = {name: ref for name, ref in catalogue.items() if name in CORE_IMAGES}
    deployment = await KUBECTL.get("deployment", "sup-operator", "-n", "sup-system")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    repository, _, digest = container["image"].partition("@")
    none = dict.fromkeys((*catalogue, "promtail", "node-exporter"), "")
    values = tmp_path / "values.json"
    image = {"repository": repository, "digest": digest}
    values.write_text(json.dumps({"image": image, "components": {**none, **parts}}))
    images = (sys.executable, str(ROOT / "hack/images"))
    await run(*images, "bundle", "--values", str(values), "--into", str(tmp_path / "dist"))
    (archive,) = (tmp_path / "dist").glob("*.tar")
    await run("tar", "-xf", str(archive), "-C", str(tmp_path))

    with run_mirror(tmp_path) as address, make_namespace("boxed") as namespace:
        mirror = f"{address}/mirror"
        await run(str(tmp_path / archive.stem / "load"), mirror)
        spec = {
            "domain": "boxed.example.org",
            "size": "tiny",
            "images": {"registry": mirror},
            "livekit": {"enabled": False},
            "monitoring": {"enabled": False},
            "global": {"test": {"image": f"{mirror}/{parts['worker'].partition('/')[2]}"}},
        }
        chosen = tmp_path / "spec.json"
        chosen.write_text(json.dumps(spec))
        chart, where = str(ROOT / "charts/sup-messenger"), ("--namespace", namespace)
        flags = ("--values", str(chosen), "--wait", "--timeout", "6m")
        await run("helm4", "install", "boxed", chart, *where, *flags)

        # Helm came back: so it is Ready, and every image came from the mirror.
        instance = Instance("boxed", namespace)
        assert await instance.is_ready()
        used = {
            container["image"]
            for pod in await instance.pods()
            for part in ("initContainers", "containers")
            for container in pod["spec"].get(part, [])
        }
        assert used
        assert all(reference.startswith(f"{mirror}/") for reference in used), used
        tested = await run("helm4", "test", "boxed", *where, "--logs")
        assert "ok   the API describes itself" in tested
        assert "FAIL" not in tested

        # The operator refuses this one: Helm says so at once, and goes back.
        refused = {"embedded": {"parameters": {"listen_addresses": "*"}}}
        chosen.write_text(json.dumps({**spec, "postgres": refused}))
        said = await run("helm4", "upgrade", "boxed", chart, *where, *flags, code=1)
        assert "SupMessenger" in said
        assert (await instance.condition("Stalled"))["status"] == "True"
        await run("helm4", "rollback", "boxed", "1", *where, "--wait", "--timeout", "3m")
        assert await instance.is_ready()
        await run("helm4", "uninstall", "boxed", *where, "--wait", "--timeout", "2m")


async def test_a_cluster_elsewhere_is_used_only_when_its_context_is_named() -> None:
    up = (sys.executable, str(ROOT / "hack/node"), "up", "--provider", "current")
    said = await run(*up, code=1)
    assert "SUP_REGISTRY must name a registry" in said
    # The node's API server has no loopback address, so it might be anybody's.
    registry = {"SUP_REGISTRY": "127.0.0.1:5050"}
    said = await run(*up, code=1, env=registry)
    assert "is not on this machine, and nobody said that it is meant" in said
    assert "cure: SUP_CONTEXT=" in said
    said = await run(*up, code=1, env={**registry, "SUP_CONTEXT": "production"})
    assert "production" in said
    said = await run(*up, env={**registry, "SUP_CONTEXT": "sup"})
    assert "images go to 127.0.0.1:5050" in said


async def test_the_sample_comes_up_and_goes_on_somebody_elses_cluster() -> None:
    namespace = "current-trial"
    env = {
        "SUP_PROVIDER": "current",
        "SUP_CONTEXT": "sup",
        "SUP_REGISTRY": "127.0.0.1:5050",
        "SUP_NAMESPACE": namespace,
        # The node's own operator serves the whole cluster.
        "SUP_OPERATOR": "present",
    }
    up = (sys.executable, str(ROOT / "hack/up"))
    with make_namespace(namespace):
        said = await run(*up, "up", env=env)
        assert "smoke: " in said
        assert "smoke: chat.example.org at 127.0.0.1:" in said
        service = await KUBECTL.get("service", "demo-edge", "-n", namespace)
        assert service["spec"]["type"] == "ClusterIP"
        await run(*up, "down", env=env)
        assert await KUBECTL.find("sup", "demo", "-n", namespace) is None
