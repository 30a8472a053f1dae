import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from omniscope.common.v1.model_pb2 import Model
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from tests.unit.omniscope_client.conftest import Canned, Refusal

FILES = {"MLmodel": b"flavors: {}\n", "payload/model.bin": bytes(range(256)) * 3000}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest_of(files: dict[str, bytes]) -> bytes:
    listed = {
        name: {"sha256": digest(data), "size_bytes": len(data)} for name, data in files.items()
    }
    return json.dumps({"format_version": 1, "files": listed}).encode()


MANIFEST = manifest_of(FILES)


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def send(canned: Canned, files: dict[str, bytes], *last: Refusal) -> None:
    data = tar(files)

    def chunks(request: object) -> Iterator[HttpBody | Refusal]:
        for start in range(0, len(data), 100_000):
            yield HttpBody(data=data[start : start + 100_000])
        yield from last

    canned.answers["DownloadModel"] = chunks
    canned.answers["GetModel"] = Model(model_id="M1", manifest_digest=digest(MANIFEST))


def test_a_package_arrives_whole_and_checked(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    signed = {"manifest.json": MANIFEST, "manifest.sig": b"signature", "registry.pub": b"key"}
    send(canned, {**FILES, **signed})
    progress: list[int] = []

    folder = client.models.download(
        "tissues", tmp_path / "new" / "model", on_progress=progress.append
    )

    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == {**FILES, **signed}
    assert canned.requests["DownloadModel"][0].model_id == "M1"
    assert progress[-1] == len(tar({**FILES, **signed}))
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**FILES, "MLmodel": b"changed", "manifest.json": MANIFEST}, "MLmodel is not what"),
        ({"MLmodel": FILES["MLmodel"], "manifest.json": MANIFEST}, "payload/model.bin is missing"),
        ({**FILES, "extra": b"", "manifest.json": MANIFEST}, "extra is missing or not in"),
        ({**FILES, "manifest.json": manifest_of({})}, "not the registered one"),
        (FILES, "manifest.json is missing"),
        ({**FILES, "manifest.json": MANIFEST, "../outside": b""}, "no sound tar"),
        ({**FILES, "manifest.json": MANIFEST, "/absolute/outside": b""}, "/absolute|is missing"),
    ],
    ids=["changed", "missing", "extra", "manifest", "no-manifest", "outside", "absolute"],
)
def test_a_damaged_package_leaves_nothing_behind(
    client: Client, canned: Canned, tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    send(canned, files)

    with pytest.raises(OmniscopeError, match=message) as raised:
        client.models.download("tissues", tmp_path / "model")

    assert (raised.value.code, raised.value.reason) == ("DATA_LOSS", "PACKAGE_CORRUPT")
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing_behind(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    lost = Refusal(grpc.StatusCode.UNAVAILABLE, "connection lost")
    send(canned, {"MLmodel": FILES["MLmodel"]}, lost)

    with pytest.raises(OmniscopeError, match="connection lost"):
        client.models.download("tissues", tmp_path / "model")

    assert list(tmp_path.iterdir()) == []


PLOTS = {"plots/roc.png": b"\x89PNG", "plots/roc.svg": b"<svg/>"}
PLOTTED = manifest_of({**FILES, **PLOTS})


def send_plots(canned: Canned, files: dict[str, bytes]) -> None:
    send(canned, {"manifest.json": PLOTTED, "manifest.sig": b"", "registry.pub": b"", **files})
    canned.answers["GetModel"] = Model(
        model_id="M1", name="m", version=3, manifest_digest=digest(PLOTTED)
    )


def test_plots_are_asked_for_alone_and_arrive_without_the_rest(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    send_plots(canned, PLOTS)

    files = client.models.plots("m", tmp_path / "new" / "pictures")

    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "new/pictures/roc.png",
        "new/pictures/roc.svg",
    ]
    assert [path.read_bytes() for path in files] == list(PLOTS.values())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["pictures"]
    (request,) = canned.requests["DownloadModel"]
    assert (request.model_id, request.folder) == ("M1", "plots")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**PLOTS, "plots/roc.svg": b"<script/>"}, r"plots/roc\.svg is not what"),
        ({"plots/roc.png": PLOTS["plots/roc.png"]}, r"plots/roc\.svg is missing"),
        ({**PLOTS, "MLmodel": FILES["MLmodel"]}, "MLmodel is missing or not in"),
        ({**PLOTS, "manifest.json": MANIFEST}, "not the registered one"),
    ],
    ids=["changed", "missing", "extra", "manifest"],
)
def test_damaged_plots_leave_nothing_behind(
    client: Client, canned: Canned, tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    send_plots(canned, files)

    with pytest.raises(OmniscopeError, match=message) as raised:
        client.models.plots("m", tmp_path / "pictures")

    assert raised.value.reason == "PACKAGE_CORRUPT"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_not_touched(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    send(canned, {**FILES, "manifest.json": MANIFEST})
    (tmp_path / "mine").write_text("data")

    with pytest.raises(OmniscopeError) as raised:
        client.models.download("tissues", tmp_path)

    assert raised.value.reason == "FOLDER_EXISTS"
    assert "DownloadModel" not in canned.requests
    assert (tmp_path / "mine").read_text() == "data"
