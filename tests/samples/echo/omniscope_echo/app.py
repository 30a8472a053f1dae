"""Parts of the echo service; `JobService` puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic_settings import SettingsConfigDict

from omniscope_echo.convert import claim_to_spec
from omniscope_echo.entry import ENTRY
from omniscope_echo.servicer import EchoServicer
from omniscope_echo.v1 import echo_service_pb2, echo_service_pb2_grpc
from omniscope_service.job_service import JobService
from omniscope_service.rpc.server import Registration
from omniscope_service.settings import JobServiceSettings

if TYPE_CHECKING:
    from omniscope_service.job_service import JobApi


class EchoSettings(JobServiceSettings):
    """Settings of the service and its worker, from the environment."""

    model_config = SettingsConfigDict(env_prefix="OMNISCOPE_ECHO_")


def _api(jobs: JobApi) -> Registration:
    return Registration(
        EchoServicer(jobs),
        echo_service_pb2_grpc.add_EchoServiceServicer_to_server,
        echo_service_pb2.DESCRIPTOR.services_by_name["EchoService"].full_name,
    )


SERVICE: Final = JobService(
    entry=ENTRY,
    settings=EchoSettings,
    api=_api,
    trainer="omniscope_echo.trainer",
    spec_from_claim=lambda claim, _: claim_to_spec(claim),
)
