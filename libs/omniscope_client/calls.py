"""Every call of the client: with its token, an id, a deadline, and one kind of error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import grpc
from ulid import ULID

from omniscope_client.errors import OmniscopeError

if TYPE_CHECKING:
    from google.api.httpbody_pb2 import HttpBody

    from omniscope_client.connection import Endpoint

CALL_SECONDS = 30.0
STREAM_SECONDS = 600.0

Request = TypeVar("Request")
Response = TypeVar("Response")


class Calls:
    """Makes calls over one channel as one user.

    Args:
        endpoint: Where to call, and as whom.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._address = endpoint.address
        self._token = endpoint.token
        self.channel = endpoint.channel()

    def unary(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        seconds: float = CALL_SECONDS,
    ) -> Response:
        """Call a unary method; it has `seconds` to answer."""
        try:
            return method(request, timeout=seconds, metadata=self._metadata())
        except grpc.RpcError as error:
            raise self._refusal(error) from None

    def send(
        self,
        method: grpc.StreamUnaryMultiCallable[Request, Response],
        requests: Iterator[Request],
        seconds: float = STREAM_SECONDS,
    ) -> Response:
        """Call a client-streaming method; it has `seconds` to take everything and answer.

        An error of `requests` itself is raised as it is.
        """
        source = _ErrorKeeping(requests)
        try:
            return method(source, timeout=seconds, metadata=self._metadata())
        except grpc.RpcError as error:
            if source.error is not None:
                raise source.error from None
            raise self._refusal(error) from None

    def receive(
        self,
        method: grpc.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        seconds: float = STREAM_SECONDS,
    ) -> Iterator[Response]:
        """Call a server-streaming method; all of it has `seconds`. Leaving the loop cancels it."""
        call = method(request, timeout=seconds, metadata=self._metadata())
        try:
            yield from call
        except grpc.RpcError as error:
            raise self._refusal(error) from None
        finally:
            call.cancel()

    def download(
        self,
        method: grpc.UnaryStreamMultiCallable[Request, HttpBody],
        request: Request,
    ) -> Iterator[bytes]:
        """Call a method that streams a file, and yield its bytes."""
        for body in self.receive(method, request):
            yield body.data

    def _refusal(self, error: grpc.RpcError) -> OmniscopeError:
        """Return the error to raise; grpc's own words on a connection say too much."""
        refusal = OmniscopeError.from_rpc(error)
        if refusal.code == "UNAVAILABLE" and refusal.message.startswith("failed to connect"):
            return OmniscopeError("UNAVAILABLE", f"Nothing answers at {self._address}.")
        return refusal

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return ("authorization", f"Bearer {self._token}"), ("x-request-id", str(ULID()))


class _ErrorKeeping(Iterator[Request]):
    """Keeps the error that ended an iterator, which grpc would replace by one of its own."""

    def __init__(self, source: Iterator[Request]) -> None:
        self._source = source
        self.error: OSError | None = None

    def __next__(self) -> Request:
        try:
            return next(self._source)
        except OSError as error:
            self.error = error
            raise
