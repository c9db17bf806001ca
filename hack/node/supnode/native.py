"""The native node: the story of bringing it up, as one reads it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from supnode import debian, units
from supnode.addons import Addons
from supnode.addresses import compute_addresses
from supnode.builds import BuildCache
from supnode.catalogue import EARLY, KUBERNETES, LATE, find_group, gather_group_key
from supnode.cgroups import NodeCgroups
from supnode.cluster import Cluster
from supnode.configuration import build_manifests, build_values, write_configuration
from supnode.enclosure import Enclosure
from supnode.failure import Failure
from supnode.images import StaticImage, build_images
from supnode.locks import hold_lock
from supnode.paths import (
    NODE_FOLDER,
    compute_cache_root,
    compute_node_paths,
    compute_state_root,
    write_atomically,
)
from supnode.pki import ensure_pki
from supnode.preflight import build_report, compute_findings, gather_machine
from supnode.processes import ProcessTable, Unit
from supnode.queue import BuildQueue
from supnode.runtime import Runtime
from supnode.steps import Steps
from supnode.teardown import LATE_BUILDS, Teardown
from supnode.toolchains import can_make_environments, ensure_go
from supnode.waiting import probe_port, wait_until


class NativeNode:
    """A whole node on this machine, from Go modules and Debian packages."""

    def __init__(self, name: str) -> None:
        self.addresses = compute_addresses(name)
        self.paths = compute_node_paths(name)
        self.cache = BuildCache(compute_cache_root(os.environ))
        self.cgroups = NodeCgroups(name)
        self.processes = ProcessTable(
            pids=self.paths.pids, logs=self.paths.logs, tracking=self.cgroups.tracking
        )
        self.enclosure = Enclosure(self.addresses, self.paths, self.processes)
        self.cluster = Cluster(self.addresses, self.paths)
        self.runtime = Runtime(self.enclosure, self.cache.root / "node-images", self.paths.logs)
        self.teardown = Teardown(self.paths, self.cgroups, self.processes, self.enclosure)

    # -- verbs ---------------------------------------------------------------------------------

    def up(self, steps: Steps) -> None:
        """Bring the node up; what stands already is left standing."""
        with steps.step("preflight"):
            self._check_machine()
        with self._lock(steps):
            queue = self._prepare(steps)
            fresh_since = self._open_enclosure(steps)
            self._start_control_plane(steps, queue)
            self._start_runtime(steps, queue)
            self._install_addons(steps, queue, since=fresh_since)
            self._start_late_builds()
            self._describe()

    def down(self, steps: Steps) -> None:
        """Stop the node and leave nothing behind but its data."""
        self._insist_on_root()
        if not self.paths.root.is_dir():
            return
        with self._lock(steps):
            self.teardown.stop(steps)

    def clean(self, steps: Steps) -> None:
        """Stop the node and remove its data."""
        self.down(steps)
        with steps.step("remove the node's data"):
            self.teardown.remove_data()

    def status(self) -> str:
        """Return what runs, and where."""
        here = self.addresses
        running = {name: self.processes.is_running(name) for name in self.processes.names()}
        if not any(running.values()):
            return f"node '{here.name}' is down"
        lines = [
            f"node        {here.name} ({KUBERNETES}) at {here.node_ip}",
            f"kubeconfig  {self.paths.kubeconfig}",
            f"registry    {here.registry}",
            f"addresses   pods {here.pod_cidr}, services {here.service_cidr}, "
            f"load balancers {here.load_balancer_cidr}",
            f"API server  {'ready' if self.cluster.is_ready() else 'NOT READY'}",
            f"node ready  {'yes' if self.cluster.is_node_ready() else 'NO'}",
        ]
        for name, alive in running.items():
            if alive or name != LATE_BUILDS:
                lines.append(f"{'runs' if alive else 'ENDED':<11} {name}")
        return "\n".join(lines)

    def kubeconfig(self) -> Path:
        """Return the kubeconfig's path; a Failure unless the API server answers."""
        if self.paths.kubeconfig.exists() and self.cluster.is_ready():
            return self.paths.kubeconfig
        raise Failure(f"no node '{self.addresses.name}' is up", cure="make up")

    # -- the steps of `up` ---------------------------------------------------------------------

    def _lock(self, steps: Steps) -> contextlib.AbstractContextManager[None]:
        told = f"waiting for another run on node '{self.addresses.name}'"
        return hold_lock(self.paths.lock, on_wait=lambda: steps.say(told))

    def _insist_on_root(self) -> None:
        if os.geteuid() != 0:
            raise Failure("the node needs root", cure="run it with sudo")

    def _check_machine(self) -> None:
        machine = gather_machine(
            cache=self.cache.root,
            state_root=compute_state_root(os.environ),
            name=self.addresses.name,
            built=not self.cache.missing([name for names in EARLY for name in names]),
        )
        findings = compute_findings(machine, self.addresses)
        if any(not finding.cured_by_up for finding in findings):
            raise Failure(build_report(findings), cure="the cures stand above, one for each")

    def _prepare(self, steps: Steps) -> BuildQueue:
        """Start building and install packages beside it; the compiler rarely waits for the disk."""
        queue = BuildQueue(self.cache, EARLY, steps)
        packages = debian.gather_missing()
        building = can_make_environments()
        if building:
            self._start_building(queue, steps)
        debian.remove_stale_policy()
        if packages:
            with steps.step(f"install {len(packages)} packages"):
                debian.install(packages, log=self.paths.logs / "packages.log")
        if not building:
            self._start_building(queue, steps)
        return queue

    def _start_building(self, queue: BuildQueue, steps: Steps) -> None:
        if self.cache.missing([name for names in EARLY for name in names]):
            with steps.step("Go toolchain"):
                ensure_go(self.cache.root)
        queue.start()

    def _open_enclosure(self, steps: Steps) -> str:
        """Open the namespaces; return the time since when everything in them is new."""
        self.cgroups.create()
        since = ""
        if not self.enclosure.is_whole():
            # What a cut-off or killed run left lives in namespaces that nobody holds any more.
            if self.cgroups.gather_pids():
                self.teardown.stop(steps)
            # Empty groups of killed pods: the kubelet would take three seconds over each.
            self.cgroups.remove()
            self.cgroups.create()
            since = _now()
            with steps.step("namespaces and network"):
                self.teardown.remove_leftovers()
                self.enclosure.open()
        self.enclosure.lay_cable()
        ensure_pki(self.addresses, self.paths)
        for folder in (self.paths.etcd, self.paths.volumes, self.paths.registry_data):
            folder.mkdir(parents=True, exist_ok=True)
        self.paths.etcd.chmod(0o700)
        # The provisioner's helper and pods of any user id must be able to reach the volumes.
        self.paths.volumes.chmod(0o755)
        write_configuration(self.paths, self._values())
        return since

    def _start_control_plane(self, steps: Steps, queue: BuildQueue) -> None:
        queue.wait_for("kube-apiserver")
        with steps.step("etcd and API server"):
            etcd = units.build_etcd(self.paths, self.cache.path)
            server = units.build_api_server(self.addresses, self.paths, self.cache.path)
            self._start(etcd)
            self._start(server)
            # etcd first: when its data is damaged, the API server's log would mislead.
            self._wait(
                etcd,
                lambda: self.cluster.is_ready() or not self.processes.is_running(server.name),
                seconds=90,
                cure="read the log; if its data is damaged (a power cut): make clean, make up",
            )
            self._wait(server, self.cluster.is_ready, seconds=5)

    def _start_runtime(self, steps: Steps, queue: BuildQueue) -> None:
        containerd = units.build_containerd(self.paths)
        with steps.step("containerd"):
            self._start(containerd)
            self._wait(containerd, self.runtime.is_ready, seconds=60)
        queue.wait_for("kubelet")
        with steps.step("controllers, scheduler, proxy"):
            here = (self.addresses, self.paths, self.cache.path)
            self._start(units.build_controller_manager(*here))
            self._start(units.build_scheduler(*here[1:]))
            self._start(units.build_proxy(*here[1:]))
        queue.wait_for("registry")
        with steps.step("image registry"):
            registries = units.build_registries(self.paths, self.cache.path)
            for registry in registries:
                self._start(registry)
            self._wait(registries[0], self._is_registry_ready, seconds=30)
        with steps.step("import pause image"):
            images = self._images()
            self.runtime.import_images([images["pause_image"], images["busybox_image"]])
        kubelet = units.build_kubelet(self.addresses, self.paths, self.cache.path)
        started = "" if self.processes.is_current(kubelet) else _now()
        with steps.step("kubelet: node Ready"):
            self._start(kubelet)
            is_ready = functools.partial(self.cluster.is_node_ready, since=started)
            self._wait(kubelet, is_ready, seconds=120)

    def _install_addons(self, steps: Steps, queue: BuildQueue, *, since: str) -> None:
        queue.wait()
        images = self._images()
        with steps.step("import images of DNS, storage and load balancer"):
            self.runtime.import_images(
                [images[f"{name}_image"] for name in ("coredns", "local_path", "metallb")]
            )
        addons = Addons(self.addresses, self.cluster, self.processes)
        log = self.paths.logs / "manifests.log"
        with steps.step("apply DNS, storage and load balancer"):
            kubectl, crds = self.cache.path("kubectl"), self.cache.ensure_metallb_crds()
            addons.apply(kubectl, crds.read_text(), build_manifests(self._values()), log=log)
        with steps.step("DNS, storage and load balancer ready"):
            addons.wait(since=since)

    def _start_late_builds(self) -> None:
        """Build what nobody needs yet, apart from this run, at low priority."""
        if self.cache.missing(LATE):
            argv = ("nice", "-n", "10", sys.executable, str(NODE_FOLDER), "tools", *LATE)
            self._start(Unit(LATE_BUILDS, argv, inside=False))

    def _describe(self) -> None:
        document = {
            **self.addresses.as_dict(),
            "kubernetes": KUBERNETES,
            "kubeconfig": str(self.paths.kubeconfig),
            "bin": str(self.cache.link_all()),
            "images": {name: image.reference for name, image in self._images().items()},
        }
        write_atomically(self.paths.node_json, json.dumps(document, indent=1) + "\n")
        write_atomically(self.paths.registry_file, self.addresses.registry + "\n")

    # -- parts ---------------------------------------------------------------------------------

    def _images(self) -> dict[str, StaticImage]:
        kube = find_group("coredns")
        return build_images(
            bin_folder=self.cache.group_folder(kube),
            key=gather_group_key(kube),
            busybox=debian.BUSYBOX,
        )

    def _values(self) -> dict[str, str]:
        return build_values(self.addresses, self.paths, self.cgroups, self._images())

    def _start(self, unit: Unit) -> None:
        self.processes.start(unit, enter=self.enclosure.enter() if unit.inside else ())

    def _wait(
        self,
        unit: Unit,
        condition: Callable[[], bool],
        *,
        seconds: float,
        cure: str = "read the log, then make up",
    ) -> None:
        """Wait for a program's own sign of life; its end is told at once."""
        log = self.processes.log(unit.name)

        def holds() -> bool:
            if condition():
                return True
            if not self.processes.is_running(unit.name):
                raise Failure(f"{unit.name} ended", log=log, cure=cure)
            return False

        wait_until(holds, what=f"{unit.name} ready", seconds=seconds, log=log, cure=cure)

    def _is_registry_ready(self) -> bool:
        host, _, port = self.addresses.registry.partition(":")
        return probe_port(host, int(port))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
