"""Installs the project into the Python that runs this, and shows meanwhile what pip is doing.

On a terminal one line is kept up to date; elsewhere a line comes every ten seconds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import IO

PIP = (
    *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
    *("--progress-bar", "off", "--constraint", "constraints.txt", "--editable"),
)
FOUND = re.compile(r"Collecting ([\w.-]+)")
FETCHED = re.compile(r"\s*(?:Downloading|Using cached) (\S+)\.whl \((.+)\)")
INSTALLING = "Installing collected packages: "


class Progress:
    """The progress of pip, as its output tells it."""

    def __init__(self) -> None:
        self._started = time.time()
        self._found = self._fetched = self._wanted = 0
        self._doing = "asking for packages"

    def follow(self, output: IO[str]) -> None:
        """Read pip's output to its end."""
        for line in output:
            if match := FOUND.match(line):
                self._found += 1
                self._doing = f"found {self._found} packages: {match[1]}"
            elif match := FETCHED.match(line):
                self._fetched += 1
                name, version = match[1].split("-")[:2]
                self._doing = f"fetched {self._fetched}, now {name} {version} ({match[2]})"
            elif line.startswith(INSTALLING):
                self._wanted = line.count(",") + 1

    def text(self) -> str:
        """Return it for people."""
        if not self._wanted:
            return self._doing
        return f"installed {_installed_since(self._started)} of {self._wanted}"


class Line:
    """Where the text goes: on a terminal always the same line, elsewhere one more each time."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self.seconds = 0.2 if self._terminal else 10.0

    def show(self, text: str, elapsed: float) -> None:
        """Show a text and how long it has taken so far."""
        line = f"{elapsed:4.0f} s  {text}"
        if self._terminal:
            print(f"\r{line[: shutil.get_terminal_size().columns - 1]}\033[K", end="", flush=True)
        else:
            print(line, flush=True)

    def close(self) -> None:
        """Leave the line."""
        if self._terminal:
            print()


def main(extra: str) -> int:
    """Install an extra; return pip's exit status."""
    started, progress, line = time.monotonic(), Progress(), Line()
    with subprocess.Popen([*PIP, f".[{extra}]"], stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout is not None
        reading = threading.Thread(target=progress.follow, args=(pip.stdout,))
        reading.start()
        while reading.is_alive():
            line.show(progress.text(), time.monotonic() - started)
            reading.join(line.seconds)
    line.show(progress.text(), time.monotonic() - started)
    line.close()
    return pip.returncode


def _installed_since(started: float) -> int:
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    return sum(package.stat().st_mtime >= started for package in packages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
