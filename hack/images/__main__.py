"""`python3 hack/images VERB`: runs before any virtual environment exists."""

import sys

from supimages.command import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
