"""Makes `supimages` importable: it is a program of the checkout, not an installed package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "hack" / "images"))
