#!/usr/bin/env bash
# Lints the descriptor set that protoc makes: buf's own registry of third-party protos is not needed.
# Then every method must state a policy.
set -euo pipefail
cd "$(dirname "$0")/.."
include=$(.venv/bin/python -c 'import pathlib, google.api; print(pathlib.Path(list(google.api.__path__)[0]).parents[1])')
image=$(mktemp --suffix=.binpb)
trap 'rm -f "$image"' EXIT
mapfile -t files < <(cd protos && find omniscope -name '*.proto' | sort)
.venv/bin/python -m grpc_tools.protoc --proto_path=protos --proto_path="$include" \
  --include_imports --include_source_info --descriptor_set_out="$image" "${files[@]}"
.venv/bin/buf lint "$image" --config buf.yaml
.venv/bin/python -m tools.method_policies "$image"
