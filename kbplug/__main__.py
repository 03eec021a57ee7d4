"""``python -m kbplug`` is the command ``kbplug``."""

import sys

from kbplug.cli import main

if __name__ == "__main__":
    sys.exit(main())
