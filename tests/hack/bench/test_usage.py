"""Processor time and memory are those of the process asked for."""

import os
import subprocess
import sys
import time

import pytest

from supbench.usage import (
    find_child,
    parse_resident_bytes,
    read_cpu_seconds,
    read_resident_bytes,
)


def test_processor_time_is_that_of_the_process() -> None:
    before = time.process_time()
    found = read_cpu_seconds(os.getpid())
    assert before <= found <= time.process_time()


def test_another_process_has_its_own_time_and_memory() -> None:
    program = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert 0.2 <= read_cpu_seconds(other.pid) < 2
        assert read_resident_bytes(other.pid) > 2**20
        with pytest.raises(ValueError, match="0 children"):
            find_child(other.pid)
        other.communicate(b"\n")


def test_resident_memory_is_read_in_bytes() -> None:
    assert parse_resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n") == 2 * 2**20


def test_a_process_that_ended_has_no_memory() -> None:
    with pytest.raises(ValueError, match="has ended"):
        parse_resident_bytes("Name:\tx\nState:\tZ (zombie)\n")
