#!/usr/bin/env bash
# Fails, with the difference, when gen/ is not what protos/ gives.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
tools/proto.sh "$fresh"
diff --recursive --brief --exclude=__pycache__ --exclude=py.typed "$fresh/omniscope" gen/omniscope ||
  { echo "gen/ differs from protos/: run make proto and commit the result." >&2; exit 1; }
