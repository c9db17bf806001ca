"""Images put into a folder that a containerd will find as its own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from supnode.commands import build_environment, probe_succeeds, run_logged
from supnode.images import ARCHITECTURES
from supnode.waiting import wait_until

CONFIG = """version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{state}/containerd.sock"
[ttrpc]
address = "{state}/ttrpc.sock"
"""


@dataclass(frozen=True)
class ProxyImage:
    """kube-proxy beside the programs that it calls, which are not static."""

    reference: str
    program: Path

    def write(self, root: Path, folder: Path) -> Path:
        """Make the image of a folder with those programs; return the archive."""
        # The packages' scripts, which lay these links, have not run.
        for name in ("iptables", "ip6tables"):
            for suffix in ("", "-save", "-restore"):
                (root / "usr/sbin" / f"{name}{suffix}").unlink(missing_ok=True)
                (root / "usr/sbin" / f"{name}{suffix}").symlink_to("xtables-nft-multi")
        target = root / "usr/local/bin/kube-proxy"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.program, target)
        target.chmod(0o755)
        layer = folder / "proxy-layer"
        with tarfile.open(layer, "w") as archive:
            archive.add(root, arcname=".")
        digest = hashlib.sha256(layer.read_bytes()).hexdigest()
        machine = platform.machine()
        config = json.dumps(
            {
                "architecture": ARCHITECTURES.get(machine, machine),
                "os": "linux",
                "config": {"Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
        ).encode()
        manifest = [
            {"Config": "config.json", "RepoTags": [self.reference], "Layers": ["layer.tar"]}
        ]
        (folder / "proxy-config").write_bytes(config)
        (folder / "proxy-manifest").write_text(json.dumps(manifest))
        with tarfile.open(folder / "kube-proxy.tar", "w") as archive:
            archive.add(folder / "proxy-config", arcname="config.json")
            archive.add(layer, arcname="layer.tar")
            archive.add(folder / "proxy-manifest", arcname="manifest.json")
        for part in ("proxy-layer", "proxy-config", "proxy-manifest"):
            (folder / part).unlink()
        return folder / "kube-proxy.tar"


class Preload:
    """A containerd that runs only while images are put into its folder."""

    def __init__(self, root: Path, log: Path) -> None:
        self._root = root
        self._log = log

    def load(self, archives: list[Path]) -> None:
        """Import archives without unpacking them, which the node does when it needs one."""
        with tempfile.TemporaryDirectory(prefix="sup-preload-") as state:
            config = Path(state) / "config.toml"
            config.write_text(CONFIG.format(root=self._root, state=state))
            ctr = ["ctr", "--address", f"{state}/containerd.sock", "--namespace", "k8s.io"]
            with (
                self._log.open("ab") as log,
                subprocess.Popen(
                    ["containerd", "--config", str(config)],
                    stdout=log,
                    stderr=log,
                    env=build_environment({"TMPDIR": os.fspath(state)}),
                ) as containerd,
            ):
                try:
                    wait_until(
                        lambda: probe_succeeds([*ctr, "version"]),
                        what="containerd of the node image",
                        seconds=30,
                        log=self._log,
                    )
                    for archive in archives:
                        words = [*ctr, "images", "import", "--no-unpack", str(archive)]
                        run_logged(words, log=self._log)
                finally:
                    containerd.terminate()
