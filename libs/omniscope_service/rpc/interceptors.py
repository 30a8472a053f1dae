"""The layers that every call passes, outermost first: log, errors, deadline, identity."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NoReturn

import grpc.aio
import structlog
from google.protobuf.descriptor_pb2 import MethodOptions
from grpc_status import rpc_status

from omniscope_service.errors import DeadlineExceeded, Internal, ServiceError
from omniscope_service.rpc.auth import bind_caller
from omniscope_service.rpc.context import REQUEST_ID_KEY, bind_request_id
from omniscope_service.rpc.policy import policy_of
from omniscope_service.rpc.status import to_rpc_status
from omniscope_suite.methods import DEFAULT_TIMEOUT_SECONDS, find_method, method_policy

if TYPE_CHECKING:
    from omniscope_service.rpc.authorizer import Authorizer
    from omniscope_service.rpc.chain import Call, Proceed

_log = structlog.get_logger()


class AccessLog:
    """Binds the request's id and writes one line per call: who called what, and what came of it.

    Successful reads are logged at debug: clients poll, and a poller should not fill a disk.
    """

    def __init__(self) -> None:
        self._quiet: dict[str, bool] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Log a call when it has ended."""
        request_id = bind_request_id(_metadata_value(call, REQUEST_ID_KEY))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        code = "CANCELLED"
        try:
            answer = await proceed(call)
        except grpc.aio.AbortError:
            code = _code_name(call)
            raise
        else:
            code = "OK"
            return answer
        finally:
            self._write(call.method, code, time.perf_counter() - started)

    def _write(self, method: str, code: str, seconds: float) -> None:
        if method not in self._quiet:
            self._quiet[method] = _is_read_or_public(method)
        write = _log.debug if code == "OK" and self._quiet[method] else _log.info
        write("call", method=method, code=code, duration_ms=round(seconds * 1e3, 3))


class Errors:
    """Answers a `ServiceError` as it is and anything else as INTERNAL without its text."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Turn whatever the servicer raises into a rich status."""
        try:
            return await proceed(call)
        except ServiceError as err:
            error = err
        except grpc.aio.AbortError:
            raise
        except Exception:  # noqa: BLE001 - the one place where the unexpected becomes INTERNAL
            error = _unexpected(call)
        return await _abort(call, error)


class Deadline:
    """Bounds unary calls whose client named no deadline, as those over REST name none.

    Args:
        seconds: What a call gets whose method's policy names no time.
    """

    def __init__(self, seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        self._seconds = seconds

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Give a call its time; gRPC itself enforces the deadlines that clients name."""
        streaming = call.request_streaming or call.response_streaming
        if streaming or call.context.time_remaining() is not None:
            return await proceed(call)
        seconds = policy_of(call.method).timeout_seconds or self._seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await proceed(call)
        except TimeoutError as err:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                f"The call took longer than {seconds:g} s, the limit of calls that name no "
                "deadline.",
                reason="DEADLINE_EXCEEDED",
            ) from err


class Auth:
    """Lets a call pass when its caller is known and may make it."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Bind the caller of a call, or refuse it."""
        caller = await self._authorizer.authorize(
            call.method, call.context.invocation_metadata() or ()
        )
        if caller is not None:
            bind_caller(caller)
            structlog.contextvars.bind_contextvars(subject=caller.subject)
        return await proceed(call)


async def _abort(call: Call, error: ServiceError) -> NoReturn:
    structlog.contextvars.bind_contextvars(reason=error.reason)
    if error.field:
        structlog.contextvars.bind_contextvars(field=error.field)
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    status = rpc_status.to_status(to_rpc_status(error, request_id))
    await call.context.abort_with_status(status)


def _unexpected(call: Call) -> Internal:
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    _log.exception("unexpected exception", method=call.method)
    return Internal(
        f"The server failed unexpectedly; its log has the details of request {request_id}.",
        reason="INTERNAL_ERROR",
    )


def _code_name(call: Call) -> str:
    code = call.context.code()
    return getattr(code, "name", str(code))


def _metadata_value(call: Call, wanted: str) -> str:
    for key, value in call.context.invocation_metadata() or ():
        if key == wanted and isinstance(value, str):
            return value
    return ""


def _is_read_or_public(path: str) -> bool:
    method = find_method(path)
    if method is None or method_policy(method) is None:  # health and reflection
        return True
    return bool(method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)
