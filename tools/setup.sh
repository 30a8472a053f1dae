#!/usr/bin/env bash
# Makes .venv as pyproject.toml and constraints.txt say: exact versions, the project itself editable.
# Arguments: the Python to make it with, and the extra to install: local, or dev, which has all of it.
# What was installed last lies beside it, so that only a change of content installs again.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 extra=$2
wanted() { cat pyproject.toml constraints.txt; }
[ -x .venv/bin/python ] && for ready in .venv/.ready-"$extra" .venv/.ready-dev; do
  wanted | cmp --silent - "$ready" 2>/dev/null && exit
done
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
  { echo "Python 3.11, 3.12 or 3.13 is needed; $("$python" --version 2>&1) was found (make PYTHON=...)." >&2; exit 1; }
echo "Installing into .venv: $extra (the suite takes 1.7 GB and two minutes on a fast line)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
rm -f .venv/.ready*
.venv/bin/python tools/install.py "$extra"
wanted >.venv/.ready-"$extra"
