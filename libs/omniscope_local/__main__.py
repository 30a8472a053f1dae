"""The process of a suite in the background: `python -m omniscope_local HOME [--free-ports]`."""

import sys
from pathlib import Path

from omniscope_local.detached import serve_detached

serve_detached(Path(sys.argv[1]), free_ports="--free-ports" in sys.argv[2:])
