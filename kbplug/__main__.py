"""``python -m kbplug`` is the command ``kbplug``."""

import sys

from kbplug.cli import main

sys.exit(main())
