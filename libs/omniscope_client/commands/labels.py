"""Labels as a command line gives them."""

from collections.abc import Sequence

import typer


def labels_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return labels by key, from the KEY=VALUE texts of `--tag`."""
    labels = dict(pair.partition("=")[::2] for pair in pairs)
    for pair in pairs:
        if not pair.partition("=")[0] or "=" not in pair:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE.", param_hint="--tag")
    return labels
