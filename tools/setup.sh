#!/usr/bin/env bash
# Makes .venv: exact versions from constraints.txt, the project itself editable.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
  { echo "Python 3.11, 3.12 or 3.13 is needed; $("$python" --version 2>&1) was found (make PYTHON=...)." >&2; exit 1; }
echo "Installing into .venv (about 1.7 GB on disk; two minutes on a fast line) ..."
"$python" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
touch .venv/.ready
echo "Ready."
