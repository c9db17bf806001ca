"""`make dev`: the four services and what they need as local processes, with reload, no cluster."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The servers are started by the very code that starts them for the tests.
sys.path[:0] = [str(ROOT / "hack" / "dev"), str(ROOT / "tests")]

from supdev.main import main  # noqa: E402  (the paths must be set first)

if __name__ == "__main__":
    sys.exit(main(ROOT))
