"""kbplug's conformance suite on a CUDA device."""

import pytest

from kbplug.testing.suites.v1 import *  # noqa: F403

pytestmark = pytest.mark.gpu
