"""The bar that a person sees while bytes travel."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from omniscope_client.commands.output import console


@contextmanager
def transfer_bar(
    description: str, total_bytes: int, *, quiet: bool
) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, if that is a terminal; yield what moves it to a number of bytes."""
    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    hidden = quiet or not screen.is_terminal
    with Progress(*columns, console=screen, disable=hidden, transient=True) as bar:
        task = bar.add_task(description, total=total_bytes)
        yield lambda done: bar.update(task, completed=done)
