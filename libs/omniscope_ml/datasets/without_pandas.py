"""Spares a program the import of pandas, which Arrow makes only to see whether it is there.

That import takes longer than reading a small file with everything that belongs to it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("this program works without pandas", name=fullname)


def forbid_pandas() -> None:
    """Have every later import of pandas in this process fail."""
    sys.meta_path.insert(0, _NoPandas())
