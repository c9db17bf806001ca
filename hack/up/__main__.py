"""Brings the whole platform up on this machine: `python3 hack/up <verb>`."""

import sys
from pathlib import Path

# Runs before any virtual environment exists; steps and failures are the node program's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "node"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from supplatform.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
