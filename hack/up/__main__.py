"""Brings the whole platform up on this machine: `python3 hack/up <verb>`."""

import sys
from pathlib import Path

HACK = Path(__file__).resolve().parent.parent
# Runs before any virtual environment exists; steps and failures are the node program's.
sys.path.insert(0, str(HACK / "node"))
sys.path.insert(0, str(HACK / "up"))

from supplatform.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
