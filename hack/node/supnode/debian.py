"""Debian packages: found by what they bring, installed without starting any service."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from supnode.commands import SBIN, run_logged
from supnode.failure import Failure
from supnode.toolchains import can_make_environments

CNI_FOLDER = Path("/usr/lib/cni")
BUSYBOX = Path("/bin/busybox")

# Package: the programs or files that show it is there. A machine may have the same programs from
# another package (Docker's containerd.io); asking Debian for its own would remove that one.
PACKAGES: dict[str, tuple[str, ...]] = {
    "ca-certificates": ("/etc/ssl/certs/ca-certificates.crt",),
    "openssl": ("openssl",),
    "iproute2": ("ip",),
    "iptables": ("iptables",),
    "conntrack": ("conntrack",),
    "containerd": ("containerd", "ctr"),
    "runc": ("runc",),
    "containernetworking-plugins": (f"{CNI_FOLDER}/bridge", f"{CNI_FOLDER}/host-local"),
    "busybox-static": (str(BUSYBOX),),
    "buildah": ("buildah",),
    "mmdebstrap": ("mmdebstrap",),
    "maven": ("mvn",),
}
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# sup-node: installing packages without starting services\nexit 101\n"
CURE = "apt-get update && apt-get install --no-install-recommends "


def find_program(name: str) -> bool:
    """Return whether a program is on the path or a file is there."""
    if name.startswith("/"):
        return Path(name).exists()
    return shutil.which(name) is not None or shutil.which(name, path=SBIN) is not None


def compute_missing(present: Callable[[str], bool], *, environments: bool) -> list[str]:
    """Return the packages whose programs are missing; `environments`: venv works already."""
    missing = [name for name, signs in PACKAGES.items() if not all(map(present, signs))]
    return missing if environments else [*missing, "python3-venv"]


def gather_missing() -> list[str]:
    """Return the packages that this machine lacks."""
    return compute_missing(find_program, environments=can_make_environments())


@contextmanager
def hold_services_back() -> Iterator[None]:
    """Keep package scripts from starting services during the block."""
    ours = not POLICY.exists() or POLICY.read_text() == POLICY_TEXT
    if ours:
        POLICY.write_text(POLICY_TEXT)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


def remove_stale_policy() -> None:
    """Take away what a cut-off installation left."""
    if POLICY.exists() and POLICY.read_text() == POLICY_TEXT:
        POLICY.unlink()


def install(packages: list[str], *, log: Path) -> None:
    """Install packages with apt; an interrupted earlier installation is completed first."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    cure = CURE + " ".join(packages)
    # A cut-off run may have left apt at work: wait for its lock instead of failing.
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    words = [*apt, "install", "--no-install-recommends", *packages]
    run_logged([*apt, "update"], log=log, env=env, cure=cure)
    with hold_services_back():
        try:
            run_logged(words, log=log, env=env, cure=cure)
        except Failure:
            run_logged(["dpkg", "--configure", "-a"], log=log, env=env, cure=cure)
            run_logged(words, log=log, env=env, cure=cure)
