"""Runs the one-node Kubernetes of this machine: `python3 hack/node <verb>`."""

import sys
from pathlib import Path

# The program runs before any virtual environment exists, so it finds its package by itself.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from supnode.cli import main

if __name__ == "__main__":
    sys.exit(main())
