"""Landlock: a process gives up every file it does not name, and nothing gives them back.

Linux 5.13 and later; nothing but the standard library, as it runs in the sandbox.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The kernel's numbers of its three calls are the same on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
MAKE_REG: Final = 1 << 8
TRUNCATE: Final = 1 << 14
# How many file rights each version of the interface knows: 13 in the first, then moving between
# folders (2), truncating (3), and the controls of devices (5).
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NEWEST_FILE_RIGHTS: Final = 16
# To bind and connect by TCP (4); abstract sockets and signals to processes outside (6).
_NETWORK: Final = 0b11
_SCOPES: Final = 0b11


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed of a file, or of a folder and everything below it."""

    path: Path
    rights: int


# The program, its libraries, and where the linker finds them.
PROGRAMS: Final = (
    *(
        Rule(Path(folder), EXECUTE | READ_FILE | READ_DIR)
        for folder in ("/usr", "/bin", "/lib", "/lib64")
    ),
    Rule(Path("/etc/ld.so.cache"), READ_FILE),
)


def find_version() -> int:
    """Return the kernel's version of the interface; 0 where there is none, or it is forbidden."""
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def build_rules(*, reads: Path, writes: Path | None) -> tuple[Rule, ...]:
    """Return what a converter needs: its programs, one file to read, one folder to write."""
    own = Rule(writes, READ_FILE | WRITE_FILE | MAKE_REG | TRUNCATE) if writes else None
    return (*PROGRAMS, Rule(reads, READ_FILE), *((own,) if own else ()))


def build_ruleset(version: int) -> bytes:
    """Return the description of everything this version can forbid; nothing is allowed yet."""
    files = (1 << _FILE_RIGHTS.get(version, _NEWEST_FILE_RIGHTS)) - 1
    network = _NETWORK if version >= 4 else 0
    scopes = _SCOPES if version >= 6 else 0
    # An older kernel takes the longer description as long as what it does not know is zero.
    return struct.pack("QQQ", files, network, scopes)


def restrict(rules: Iterable[Rule], *, version: int) -> None:
    """Leave this process, and what it becomes, the files of `rules`; raises OSError.

    It must have given up new privileges before.
    """
    description = build_ruleset(version)
    handled = struct.unpack_from("Q", description)[0]
    ruleset = _call(_CREATE_RULESET, description, len(description), 0)
    try:
        for rule in rules:
            _allow(ruleset, rule, handled=handled)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, rule: Rule, *, handled: int) -> None:
    try:
        place = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        # Not every system has all the folders of programs; what is not there needs no leave.
        return
    try:
        _call(
            _ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rule.rights & handled, place), 0
        )
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    converted = [
        ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value)
        for value in arguments
    ]
    result: int = library.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
