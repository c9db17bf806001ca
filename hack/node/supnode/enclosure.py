"""The node's own network and mount namespaces, held open by one process.

Everything a node does to links, routes, firewall chains and mounts happens inside, so two nodes
never meet, the machine's own tables stay untouched, and all of it ends with the last process.
The machine itself sees one end of a virtual cable and four routes.
"""

from __future__ import annotations

from supnode.addresses import Addresses
from supnode.commands import probe_succeeds, run_captured, run_logged
from supnode.failure import Failure
from supnode.paths import NodePaths
from supnode.processes import ProcessTable, Unit
from supnode.waiting import wait_until

HOLDER = "holder"
SOCKET = "/run/containerd/containerd.sock"

# Arguments: the ready file, then pairs of a folder and the place where the node sees it.
SCRIPT = """
set -e
ready=$1; shift
mount --make-rshared /
while [ $# -gt 0 ]; do
  mkdir -p "$1" "$2"
  mount --bind "$1" "$2"
  shift 2
done
mkdir -p /run/netns
mount -t tmpfs -o mode=0755 tmpfs /run/netns
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
bridge=/proc/sys/net/bridge/bridge-nf-call-iptables
if [ -e $bridge ]; then echo 1 > $bridge; fi
echo $$ > "$ready"
exec sleep infinity
"""


class Enclosure:
    """The namespaces of one node and the cable that leads into them."""

    def __init__(self, addresses: Addresses, paths: NodePaths, processes: ProcessTable) -> None:
        self._addresses = addresses
        self._paths = paths
        self._processes = processes

    @property
    def unit(self) -> Unit:
        """Return the process that holds the namespaces open."""
        paths = self._paths
        seen_as = (
            (paths.kubelet, "/var/lib/kubelet"),
            (paths.run, "/run/containerd"),
            (paths.cni_state, "/var/lib/cni"),
            (paths.pod_logs, "/var/log/pods"),
            (paths.container_logs, "/var/log/containers"),
        )
        places = [text for source, target in seen_as for text in (str(source), target)]
        unshare = ("unshare", "--net", "--mount", "--propagation", "slave")
        script = ("/bin/sh", "-c", SCRIPT, "hold", str(self._ready), *places)
        return Unit(name=HOLDER, argv=(*unshare, *script), inside=False)

    @property
    def _ready(self) -> str:
        return str(self._paths.pids / "holder.ready")

    def pid(self) -> int:
        """Return the pid whose namespaces are the node's."""
        record = self._processes.find(HOLDER)
        if record is None or not record.is_alive():
            raise Failure("the node is not up", cure="make up")
        return record.pid

    def enter(self) -> list[str]:
        """Return the words that run a program inside the node."""
        return ["nsenter", "--target", str(self.pid()), "--net", "--mount", "--"]

    def is_whole(self) -> bool:
        """Return whether the namespaces stand as they should."""
        if not self._processes.is_current(self.unit):
            return False
        try:
            written = (self._paths.pids / "holder.ready").read_text().strip()
        except FileNotFoundError:
            return False
        return written == str(self.pid())

    def open(self) -> None:
        """Make the namespaces."""
        self._processes.start(self.unit)
        wait_until(
            self.is_whole,
            what="the node's namespaces",
            seconds=15,
            log=self._processes.log(HOLDER),
            cure="this machine must allow root to make network and mount namespaces",
        )

    def is_cabled(self) -> bool:
        """Return whether the cable between machine and node is in place."""
        here = self._addresses
        outside = ["ip", "-4", "-o", "addr", "show", "dev", here.link, "up"]
        inside = [*self.enter(), "ip", "-4", "-o", "addr", "show", "dev", "eth0", "up"]
        if not (probe_succeeds(outside) and probe_succeeds(inside)):
            return False
        return here.host_ip in run_captured(outside) and here.node_ip in run_captured(inside)

    def lay_cable(self) -> None:
        """Connect the node with the machine, and point the node's ranges at it."""
        here, log = self._addresses, self._processes.log("network")
        if not self.is_cabled():
            self.remove_cable()
            pid = str(self.pid())
            ip = ["ip", "link", "add", here.link, "type", "veth", "peer", "name", "eth0"]
            run_logged([*ip, "netns", pid], log=log)
            prefix = here.node_network.rpartition("/")[2]
            for words in (
                ["addr", "add", f"{here.host_ip}/{prefix}", "dev", here.link],
                ["link", "set", here.link, "up"],
            ):
                run_logged(["ip", *words], log=log)
            for words in (
                ["addr", "add", f"{here.node_ip}/{prefix}", "dev", "eth0"],
                ["link", "set", "eth0", "up"],
            ):
                run_logged([*self.enter(), "ip", *words], log=log)
        ranges = (here.pod_cidr, here.service_cidr, here.load_balancer_cidr)
        for target in ranges:
            run_logged(["ip", "route", "replace", target, "via", here.node_ip], log=log)
        # Service addresses are rewritten on their way out, but only once a route exists. There
        # is no default route: what is not this machine fails at once instead of hanging.
        for target in ranges[1:]:
            words = ["ip", "route", "replace", target, "dev", "eth0"]
            run_logged([*self.enter(), *words], log=log)

    def remove_cable(self) -> None:
        """Take the cable away, and its routes with it."""
        if probe_succeeds(["ip", "link", "show", self._addresses.link]):
            run_captured(["ip", "link", "delete", self._addresses.link])
