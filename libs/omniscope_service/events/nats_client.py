"""The parts of nats-py that the suite uses, without the WebSocket transport.

nats-py (2.16) imports aiohttp for WebSockets wherever it is installed, and MLflow brings it: 5 MB
and half of the time of its import in every process, for a transport that nobody here connects by.
"""

import sys

_absent = "aiohttp" not in sys.modules
if _absent:
    sys.modules["aiohttp"] = None  # type: ignore[assignment]  # how Python is told: not there
try:
    import nats.errors as nats_errors
    import nats.js.errors as stream_errors
    from nats.aio.client import Client
    from nats.js import api
finally:
    if _absent:
        del sys.modules["aiohttp"]

__all__ = ["Client", "api", "nats_errors", "stream_errors"]
