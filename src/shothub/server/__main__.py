"""``python -m shothub.server``: run the hub with its defaults."""

import sys

from shothub.server.main import serve

sys.exit(serve())
