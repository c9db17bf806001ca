"""`make bench`: measures speed and memory side by side and writes docs/benchmarks.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The servers and the fake cluster are those of the tests; the socket process is probed as in dev.
sys.path[:0] = [str(ROOT / part) for part in ("hack/bench", "hack/dev", "tests")]

from supbench.cli import main  # noqa: E402  (the paths must be set first)

if __name__ == "__main__":
    sys.exit(main(ROOT, sys.argv[1:]))
