#!/usr/bin/env bash
# Generates Python stubs and their types from protos/ into the folder given, gen/ by default.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-gen}
include=$(.venv/bin/python -c 'import pathlib, google.api; print(pathlib.Path(list(google.api.__path__)[0]).parents[1])')
rm -rf "$out/omniscope"
mkdir -p "$out"
mapfile -t files < <(cd protos && find omniscope -name '*.proto' | sort)
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m grpc_tools.protoc \
  --proto_path=protos --proto_path="$include" \
  --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" \
  "${files[@]}"
# Files without a service get empty gRPC stubs: nothing would import them.
for proto in "${files[@]}"; do
  grep -q '^service ' "protos/$proto" || rm -f "$out/${proto%.proto}_pb2_grpc.py" "$out/${proto%.proto}_pb2_grpc.pyi"
done
