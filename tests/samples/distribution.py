"""Installs a sample as pip would: its package, its stubs and its metadata in a folder."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import google.api
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.proto_files import PROTOS

IMAGE = "image.binpb"
TOOLS = Path(sys.executable).parent
THIRD_PARTY = Path(next(iter(google.api.__path__))).parents[1]


def install(sample: Path, site: Path) -> FileDescriptorSet:
    """Install the sample in the folder `sample` into `site`; return its protos with comments."""
    project = tomllib.loads((sample / "pyproject.toml").read_text())["project"]
    package = project["name"].replace("-", "_")
    shutil.copytree(sample / package, site / package)
    metadata = site / f"{package}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (metadata / "entry_points.txt").write_text(entry_points(project["entry-points"]))
    return make_stubs(sample / "protos", site)


def entry_points(groups: dict[str, dict[str, str]]) -> str:
    return "\n".join(
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
        for group, points in groups.items()
    )


def make_stubs(protos: Path, site: Path) -> FileDescriptorSet:
    image = site / IMAGE
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc"),
            *(f"--proto_path={folder}" for folder in (protos, PROTOS, THIRD_PARTY)),
            *(f"--python_out={site}", f"--grpc_python_out={site}"),
            *(f"--mypy_out=quiet:{site}", f"--mypy_grpc_out=quiet:{site}"),
            *("--include_imports", "--include_source_info", f"--descriptor_set_out={image}"),
            *(str(path.relative_to(protos)) for path in protos.rglob("*.proto")),
        ],
        check=True,
        env={**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"},
    )
    return FileDescriptorSet.FromString(image.read_bytes())
