"""Which benchmarks there are: the modules of this folder that have a `measure`."""

from pathlib import Path


def names() -> list[str]:
    """Returns their names, without importing any of them."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return [module.stem for module in modules if "\ndef measure(" in module.read_text()]
