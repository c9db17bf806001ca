"""The root file system of the base image: a small Debian made by mmdebstrap."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from supimages.failure import Failure

SUITE = "bookworm"
ARCHIVE = "rootfs.tar"
# Documentation, translations and the tables of rare encodings are half of such a system.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/lib/x86_64-linux-gnu/gconv/*",
)
_KEPT = ("/usr/share/doc/*/copyright",)
# Packages must not start their services while an image is built: the network is the host's.
_NO_SERVICES = r'printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"'
_EXECUTABLE = 'chmod 0755 "$1/usr/sbin/policy-rc.d"'
_NO_MACHINE_FILES = 'rm -rf "$1/etc/resolv.conf" "$1/etc/hostname" "$1"/var/log/*'


def build_command(archive: Path) -> list[str]:
    """The mmdebstrap command line that writes the archive."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        # Without these two, the merge of /usr brings in the whole of Perl (48 MB).
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        "--include=usr-is-merged",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in _KEPT),
        f"--customize-hook={_NO_SERVICES}",
        f"--customize-hook={_EXECUTABLE}",
        f"--customize-hook={_NO_MACHINE_FILES}",
        SUITE,
        str(archive),
    ]


def write_rootfs(folder: Path) -> Path:
    """Make the archive in `folder` unless it is there; return the folder."""
    archive = folder / ARCHIVE
    if archive.is_file():
        return folder
    if shutil.which("mmdebstrap") is None:
        raise Failure("mmdebstrap is missing: apt-get install --no-install-recommends mmdebstrap")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # mmdebstrap unpacks in TMPDIR, and apt's own user must be able to enter it there.
        environ = dict(os.environ, TMPDIR="/tmp")  # noqa: S108
        draft = Path(scratch) / ARCHIVE
        result = subprocess.run(
            build_command(draft), env=environ, capture_output=True, text=True, timeout=900
        )
        if result.returncode != 0:
            tail = "\n".join(result.stderr.strip().splitlines()[-8:])
            raise Failure(f"mmdebstrap exited {result.returncode}:\n{tail}")
        draft.rename(archive)
    return folder
