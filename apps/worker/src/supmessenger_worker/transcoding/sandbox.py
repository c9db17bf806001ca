"""The process that becomes ffmpeg or ffprobe: limits itself first, then never comes back.

    python -m supmessenger_worker.transcoding.sandbox \\
        ADDRESS_SPACE CPU_SECONDS FILE_BYTES READS WRITES COMMAND…

After this it can make no socket, no file over FILE_BYTES, no core dump, and look into no other
process; of files it has programs and libraries, the file READS and the folder WRITES (empty: none),
as far as the kernel has Landlock. It ends with its parent.
Exit code 70 when the limits can not be set: then nothing is opened at all.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Final

from supmessenger_worker.transcoding import landlock

EXIT_NO_SANDBOX: Final = 70
_NICENESS: Final = 10
_OPEN_FILES: Final = 64
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_REFUSE: Final = 0x00050000 | 13  # with EACCES
# What the kernel calls the machine (AUDIT_ARCH_…), and its numbers of what is refused: socket,
# io_uring_setup; ptrace, process_vm_readv, process_vm_writev, pidfd_getfd, kcmp.
MACHINES: Final = {
    "x86_64": (0xC000003E, 41, 425, 101, 310, 311, 438, 312),
    "aarch64": (0xC00000B7, 198, 425, 117, 270, 271, 438, 272),
}
# Classic BPF: load a word of the call's description, jump when equal or not less, return.
_LOAD, _EQUAL, _NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_CALL, _ARCHITECTURE = 0, 4
# Calls of the x32 interface have this bit: the same calls under other numbers.
_X32: Final = 0x40000000


def main(arguments: list[str]) -> int:
    """Limit this process and become the command."""
    address_space, seconds, file_bytes, reads, writes, *command = arguments
    try:
        set_limits(
            address_space=int(address_space), seconds=int(seconds), file_bytes=int(file_bytes)
        )
        give_up_privileges()
        deny_files(reads=Path(reads), writes=Path(writes) if writes else None)
        deny_calls()
    except (OSError, ValueError, OverflowError) as error:
        print(f"no sandbox: {error}", file=sys.stderr)
        return EXIT_NO_SANDBOX
    os.execvp(command[0], command)


def set_limits(*, address_space: int, seconds: int, file_bytes: int) -> None:
    """Bound memory, processor time and what is written."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    # At the soft limit SIGXCPU, which ends ffmpeg; a second later SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def give_up_privileges() -> None:
    """Never get more rights again; the kernel wants this before the next two."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def deny_files(*, reads: Path, writes: Path | None) -> None:
    """Leave this process its programs, one file and one folder (Landlock), where that can be."""
    version = landlock.find_version()
    if version:
        landlock.restrict(landlock.build_rules(reads=reads, writes=writes), version=version)


def hide_process() -> None:
    """Let no process of the same user look into the memory and environment of this one."""
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def deny_calls() -> None:
    """Refuse new sockets and looks into other processes, also to what this becomes (seccomp)."""
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(f"no filter of system calls for {machine}")
    install_filter(build_filter(*MACHINES[machine]))


def install_filter(program: bytes) -> None:
    """Give this process a filter of system calls; it must have given up new privileges."""
    buffer = ctypes.create_string_buffer(program, len(program))
    description = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, description, 0, 0)


def build_filter(architecture: int, *refused: int) -> bytes:
    """Return the filter: another architecture ends the process, `refused` calls get EACCES."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _CALL),
        (_NOT_LESS, len(refused) + 1, 0, _X32),
        *((_EQUAL, len(refused) - place, 0, call) for place, call in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _call(name: str, *arguments: int | bytes) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    converted = [
        ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
        for value in arguments
    ]
    if getattr(library, name)(*converted) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
