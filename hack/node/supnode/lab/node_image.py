"""A node image for kind, put together from Debian packages and our own Kubernetes binaries.

kind's own image lies in a registry. This one takes kind's files (entrypoint, units) from its Go
module. It is good for charts, the operator, scheduling and volumes; the network stand-in knows one
node and no NetworkPolicies.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from supnode import debian
from supnode.builds import BuildCache
from supnode.catalogue import KUBERNETES, find_group, gather_group_key
from supnode.commands import run_captured, run_logged
from supnode.configuration import fill_template
from supnode.images import StaticImage, build_images, write_archive
from supnode.lab.engine import Engine
from supnode.lab.preload import Preload, ProxyImage
from supnode.locks import hold_lock
from supnode.paths import MANIFESTS, NODE_FOLDER, write_atomically
from supnode.toolchains import ensure_go

KIND_FILES = NODE_FOLDER / "kind"
BINARIES = ("kubeadm", "kubelet", "kubectl")
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
PACKAGES = (
    *("systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount"),
    *("kmod", "libseccomp2", "e2fsprogs", "bash", "ca-certificates", "jq", "procps", "mawk"),
    *("containerd", "runc", "containernetworking-plugins", "hostname"),
)
LEFT_OUT = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*")
# As kind's own Dockerfile does it: what systemd starts on a real machine is not wanted here.
UNWANTED = (
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
)
# systemd reads the words of its command line; without this one it takes over the machine's own
# unified hierarchy where version 1 is in use.
INSTRUCTIONS = (
    'ENTRYPOINT ["/usr/local/bin/lab-entrypoint", "/sbin/init", '
    '"systemd.legacy_systemd_cgroup_controller=1"]',
    "ENV container=docker",
    "STOPSIGNAL SIGRTMIN+3",
)


class NodeImage:
    """The image under the name that kind is told."""

    def __init__(self, cache: BuildCache, engine: Engine, log: Path) -> None:
        self._cache = cache
        self._engine = engine
        self._log = log

    @property
    def reference(self) -> str:
        """Return the image's name; its tag follows from what it is made of."""
        return f"localhost/sup/kind-node:{KUBERNETES}-{self._compute_key()}"

    def ensure(self) -> str:
        """Return the name of the image, which the engine then holds."""
        archive = self._cache.root / "docker" / f"kind-node-{self._compute_key()}.tar"
        with hold_lock(self._cache.root / "locks" / "kind-node.lock"):
            if not archive.exists():
                self._write(archive)
        raw = f"{self.reference}-raw"
        self._engine.run("import", str(archive), raw, log=self._log)
        with tempfile.TemporaryDirectory() as folder:
            dockerfile = "\n".join((f"FROM {raw}", *INSTRUCTIONS)) + "\n"
            (Path(folder) / "Dockerfile").write_text(dockerfile)
            self._engine.run("build", "--tag", self.reference, folder, log=self._log)
        return self.reference

    def _compute_key(self) -> str:
        digest = hashlib.sha256(repr((PACKAGES, LEFT_OUT, UNWANTED)).encode())
        for group in ("kubelet", "kubeadm", "kind"):
            digest.update(gather_group_key(find_group(group)).encode())
        own = Path(__file__).parent
        for path in sorted((*KIND_FILES.iterdir(), *own.glob("*.py"))):
            if path.name != "engine.py" and path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()[:12]

    def _write(self, archive: Path) -> None:
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix="building-") as scratch:
            Path(scratch).chmod(0o755)
            root = Path(scratch) / "root"
            self._make_root(root, PACKAGES, variant="minbase")
            self._add_files_of_kind(root)
            self._add_own_files(root)
            self._preload(root, Path(scratch))
            draft = Path(scratch) / "image.tar"
            run_logged(["tar", "-C", str(root), "-cf", str(draft), "."], log=self._log)
            for stale in archive.parent.glob("kind-node-*.tar"):
                stale.unlink()
            draft.replace(archive)

    def _make_root(self, root: Path, packages: tuple[str, ...], *, variant: str) -> None:
        words = ["mmdebstrap", "--quiet", f"--variant={variant}", "--mode=root"]
        words += ['--aptopt=APT::Install-Recommends "false"', f"--include={','.join(packages)}"]
        words += [f"--dpkgopt=path-exclude=/{pattern}" for pattern in LEFT_OUT]
        # The unpacking user of apt must be able to enter the folder it works in.
        run_logged([*words, "bookworm", str(root)], log=self._log, env={"TMPDIR": "/tmp"})  # noqa: S108

    def _add_files_of_kind(self, root: Path) -> None:
        group = find_group("kind")
        go = str(ensure_go(self._cache.root))
        words = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"]
        module = Path(run_captured(words, cwd=group.folder).strip())
        files = module / "images" / "base" / "files"
        # Modules are read-only in Go's cache.
        for source in (path for path in files.rglob("*") if path.is_file()):
            target = root / source.relative_to(files)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if "bin" in target.parts[-2:] else 0o644)
        for pattern in UNWANTED:
            for path in root.glob(pattern):
                path.unlink()
        config = root / "etc/containerd/config.toml"
        kept = [
            line
            for line in config.read_text().splitlines()
            # No hook that mounts product files: Debian's containerd writes no base for it.
            if "base_runtime_spec" not in line
        ]
        text = "\n".join(kept) + "\n"
        # Root may not lower the score on every machine.
        config.write_text(
            text.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
        )

    def _add_own_files(self, root: Path) -> None:
        _copy(KIND_FILES / "entrypoint", root / "usr/local/bin/lab-entrypoint")
        for name in BINARIES:
            _copy(self._cache.path(name), root / "usr/bin" / name)
        for link, target in (
            ("sbin/init", "/lib/systemd/systemd"),
            ("usr/local/bin/containerd", "/usr/bin/containerd"),
            ("opt/cni/bin", "/usr/lib/cni"),
        ):
            (root / link).parent.mkdir(parents=True, exist_ok=True)
            (root / link).unlink(missing_ok=True)
            (root / link).symlink_to(target)
        (root / "etc/kubernetes/manifests").mkdir(parents=True)
        wants = root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        for unit in ("kubelet", "containerd", "undo-mount-hacks"):
            (wants / f"{unit}.service").symlink_to(f"/etc/systemd/system/{unit}.service")
        # This one would change the kernel's settings for all the machine.
        mask = root / "etc/systemd/system/systemd-binfmt.service"
        mask.symlink_to("/dev/null")
        values = {name: image.reference for name, image in self._node_images().items()}
        values["volumes"] = "/var/local-path-provisioner"
        manifests = root / "kind/manifests"
        manifests.mkdir()
        storage = fill_template(MANIFESTS / "local-path.yaml", values)
        write_atomically(manifests / "default-storage.yaml", storage)
        network = fill_template(KIND_FILES / "network.yaml", values)
        write_atomically(manifests / "default-cni.yaml", network)
        write_atomically(root / "kind/version", KUBERNETES)

    def _node_images(self) -> dict[str, StaticImage]:
        kube = find_group("coredns")
        folder = self._cache.group_folder(kube)
        return build_images(bin_folder=folder, key=gather_group_key(kube), busybox=debian.BUSYBOX)

    def _preload(self, root: Path, scratch: Path) -> None:
        """Put every image that kubeadm and the manifests name into the node's containerd."""
        archives = scratch / "archives"
        wanted = self._gather_wanted()
        own = self._node_images()
        for name in ("local_path_image", "busybox_image"):
            write_archive(own[name], archives)
        for reference in wanted:
            name = reference.rpartition("/")[2].partition(":")[0]
            if name == "kube-proxy":
                proxy_root = scratch / "proxy"
                self._make_root(proxy_root, ("iptables", "conntrack", "kmod"), variant="extract")
                ProxyImage(reference, self._cache.path("kube-proxy")).write(proxy_root, archives)
            else:
                write_archive(self._build_image(name, reference), archives)
        Preload(root / "var/lib/containerd", self._log).load(sorted(archives.iterdir()))

    def _build_image(self, name: str, reference: str) -> StaticImage:
        if name == "pause":
            pause = self._node_images()["pause_image"]
            return StaticImage(reference, pause.program, pause.inside, command=pause.command)
        program, inside = self._cache.path(name), f"/bin/{name}"
        entrypoint = (inside,) if name == "coredns" else ()
        return StaticImage(reference, program, inside, entrypoint=entrypoint)

    def _gather_wanted(self) -> list[str]:
        kubeadm = str(self._cache.path("kubeadm"))
        words = [kubeadm, "config", "images", "list", "--kubernetes-version", KUBERNETES]
        listed = run_captured(words).split()
        # containerd's own setting in kind's files names the pause image of sandboxes.
        return [*listed, "registry.k8s.io/pause:3.10"]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)
