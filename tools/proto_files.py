"""The protos as descriptors with their comments, which generated modules leave out."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import google.api
from google.protobuf.descriptor_pb2 import FileDescriptorSet

PROTOS: Final = Path(__file__).parents[1] / "protos"


def proto_files(folder: Path = PROTOS) -> FileDescriptorSet:
    """Return the files of a folder, with what they import, imports first."""
    third_party = Path(next(iter(google.api.__path__))).parents[1]
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as image:
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc"),
                *(f"--proto_path={folder}", f"--proto_path={third_party}"),
                *("--include_imports", "--include_source_info"),
                f"--descriptor_set_out={image.name}",
                *files,
            ],
            check=True,
        )
        return FileDescriptorSet.FromString(Path(image.name).read_bytes())
