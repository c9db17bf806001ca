"""Stopping a node: first its pods, politely, then everything that belongs to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path

from supnode.cgroups import NodeCgroups
from supnode.enclosure import HOLDER, Enclosure
from supnode.failure import Failure
from supnode.leftovers import gather_socket_files
from supnode.paths import NodePaths
from supnode.processes import ProcessTable
from supnode.steps import Steps
from supnode.waiting import probe_until

POD_GRACE = 10.0  # seconds for the pods' programs to end by themselves
# Whoever would start pods again is stopped before the pods, their stores after them.
LATE_BUILDS = "late-builds"
BEFORE_PODS = (LATE_BUILDS, "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy")
AFTER_PODS = ("containerd", "registry-inside", "registry", "kube-apiserver", "etcd")
# Seconds a program gets to end; the API server waits for its watchers, and etcd holds its data.
PATIENCE = {"kube-apiserver": 5.0}
PAUSE = b"sleep\x002147483647\x00"
# The node's own pods hold no data, and MetalLB's takes half a minute to end by itself.
STATELESS = (b"/bin/coredns", b"/bin/metallb-controller", b"/bin/local-path-provisioner")


class Teardown:
    """Stops a node and removes what it leaves on the machine."""

    def __init__(
        self,
        paths: NodePaths,
        cgroups: NodeCgroups,
        processes: ProcessTable,
        enclosure: Enclosure,
    ) -> None:
        self._paths = paths
        self._cgroups = cgroups
        self._processes = processes
        self._enclosure = enclosure

    def stop(self, steps: Steps) -> None:
        """Stop everything and leave nothing but data."""
        with steps.step("stop controllers and kubelet"):
            for name in BEFORE_PODS:
                self._processes.stop(name)
        with steps.step("stop pods"):
            self._stop_pods()
        with steps.step("stop containerd, registry, API server, etcd"):
            for name in AFTER_PODS:
                self._processes.stop(name, seconds=PATIENCE.get(name, 15.0))
        with steps.step("remove namespaces, links, groups and sockets"):
            self._enclosure.remove_cable()
            self._processes.stop(HOLDER, seconds=1)
            # Whatever is still in the node's groups belongs to it: shims, pods, half-started
            # programs of a run that was cut off.
            if not self._cgroups.kill_all():
                left = ", ".join(str(pid) for pid in sorted(self._cgroups.gather_pids()))
                raise Failure(f"processes do not end: {left}", cure="see ps; a reboot ends them")
            self.remove_leftovers()
            if not self._cgroups.remove():
                raise Failure("control groups could not be removed", cure="python3 hack/node down")

    def remove_leftovers(self) -> None:
        """Remove the traces of processes that no longer run; mounts ended with them."""
        self._enclosure.remove_cable()
        for folder in (self._paths.pids, self._paths.run, self._paths.cni_state):
            shutil.rmtree(folder, ignore_errors=True)
        for path in gather_socket_files(self._paths.root):
            path.unlink(missing_ok=True)

    def remove_data(self) -> None:
        """Remove the node's folder."""
        shutil.rmtree(self._paths.root, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._paths.root.parent.rmdir()

    def _stop_pods(self) -> None:
        """Ask the pods' programs to end, and kill those that do not."""
        own = self._gather_own()

        def gather_pods() -> set[int]:
            return {pid for pid in self._cgroups.gather_pids() - own if not _is_pause(pid)}

        for pid in gather_pods():
            _send(pid, signal.SIGKILL if _is_stateless(pid) else signal.SIGTERM)
        probe_until(lambda: not gather_pods(), seconds=POD_GRACE)
        for pid in gather_pods():
            _send(pid, signal.SIGKILL)

    def _gather_own(self) -> set[int]:
        """Return the node's own programs and shims, which lie apart from the pods."""
        try:
            members = (self._cgroups.tracking / "cgroup.procs").read_text()
        except FileNotFoundError:
            return set()
        return {int(line) for line in members.split()}


def _gather_command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_pause(pid: int) -> bool:
    command = _gather_command(pid)
    return not command or command.endswith(PAUSE)


def _is_stateless(pid: int) -> bool:
    return _gather_command(pid).split(b"\0")[0] in STATELESS


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
