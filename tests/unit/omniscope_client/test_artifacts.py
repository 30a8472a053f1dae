"""Artifacts are read, downloaded and deleted like models, and shown where a job makes one."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope.common.v1.job_event_pb2 import JobEvent, StateChanged
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job
from omniscope.registry.v1.artifact_service_pb2 import ListArtifactsResponse
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from tests.unit.omniscope_client.conftest import Canned, Refusal

VALUES = b"[0.5]"
LISTED = {"values.json": {"sha256": hashlib.sha256(VALUES).hexdigest(), "size_bytes": 5}}
MANIFEST = json.dumps({"format_version": 1, "files": LISTED}).encode()
ARTIFACT = Artifact(
    artifact_id="A1",
    kind="explanation",
    job_id="J1",
    inputs=[JobInput(role="explained", model_id="M1")],
    manifest_digest=hashlib.sha256(MANIFEST).hexdigest(),
    size_bytes=5,
)


def tar(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{name}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def stored(canned: Canned) -> None:
    package = tar(manifest=MANIFEST, values=VALUES)
    canned.answers |= {
        "GetArtifact": ARTIFACT,
        "ListArtifacts": ListArtifactsResponse(artifacts=[ARTIFACT]),
        "DownloadArtifact": [HttpBody(data=package[:1000]), HttpBody(data=package[1000:])],
        "DeleteArtifact": Empty(),
        "UndeleteArtifact": ARTIFACT,
    }


def test_a_script_lists_downloads_deletes_and_brings_back(
    client: Client, canned: Canned, tmp_path: Path
):
    [listed] = client.artifacts.list(
        10, 'kind = "explanation"', order_by="create_time", show_deleted=True
    )
    folder = client.artifacts.download("A1", tmp_path / "explanation")
    client.artifacts.delete("A1")
    again = client.artifacts.undelete("A1")

    assert listed == again == ARTIFACT
    asked = canned.requests["ListArtifacts"][0]
    assert (asked.page_size, asked.filter, asked.order_by, asked.show_deleted) == (
        10,
        'kind = "explanation"',
        "create_time",
        True,
    )
    assert (folder / "values.json").read_bytes() == VALUES
    assert canned.requests["DeleteArtifact"][0].artifact_id == "A1"


def test_a_damaged_artifact_leaves_nothing_behind(client: Client, canned: Canned, tmp_path: Path):
    canned.answers["DownloadArtifact"] = [HttpBody(data=tar(manifest=MANIFEST, values=b"[0.6]"))]

    with pytest.raises(OmniscopeError, match=r"values\.json is not what its manifest says"):
        client.artifacts.download("A1", tmp_path / "explanation")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["list"], "explanation"),
        (["show", "A1"], "explained: model M1"),
        (["download", "A1"], "The explanation is in explanation-A1."),
        (["delete", "A1"], "`omniscope artifacts undelete A1` undoes it"),
        (["undelete", "A1"], "The explanation A1 is back."),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_command_speaks_to_people_and_to_programs(omniscope, command: list[str], shown: str):
    for_people = omniscope("artifacts", *command)
    folders = ["elsewhere"] if command[0] == "download" else []
    for_programs = omniscope("artifacts", *command, *folders, "--json")

    assert (for_people.code, for_programs.code) == (0, 0), for_people.err + for_programs.err
    assert shown in for_people.out
    assert "A1" in json.dumps(json.loads(for_programs.out))


def test_who_asks_for_no_artifact_learns_where_to_look(omniscope, canned: Canned):
    missing = Refusal(
        grpc.StatusCode.NOT_FOUND, "There is no artifact 'A2'.", "ARTIFACT_NOT_FOUND"
    )
    canned.answers["GetArtifact"] = missing

    outcome = omniscope("artifacts", "show", "A2")

    assert outcome.code == 1
    assert "`omniscope artifacts list` shows what there is" in outcome.err


def test_a_watched_job_that_makes_an_artifact_ends_with_it(omniscope, canned: Canned):
    running = Job(job_id="J1", state=JOB_STATE_RUNNING, artifact_kind="explanation")
    stored = StateChanged(to_state=JOB_STATE_SUCCEEDED, artifact_id="A1")
    canned.answers["WatchJob"] = [JobEvent(snapshot=running), JobEvent(state_changed=stored)]

    outcome = omniscope("jobs", "watch", "J1")

    assert outcome.code == 0, outcome.err
    assert "`omniscope artifacts download A1`" in outcome.out
    assert "GetModel" not in canned.requests
