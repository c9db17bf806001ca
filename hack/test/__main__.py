"""Runs the tiers of tests: `python hack/test [check|unit|services|control-plane|node]…`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from suptiers.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
