"""The `omniscope` command line: its groups, and the commands that other packages add to it."""

import sys
from importlib.metadata import entry_points

import typer

from omniscope_client.commands import (
    artifacts,
    automl,
    datasets,
    deeplearning,
    experiments,
    jobs,
    models,
)
from omniscope_client.commands.output import print_error
from omniscope_client.errors import OmniscopeError

COMMANDS_GROUP = "omniscope.commands"
HELP = """Train, watch and use models on tabular and omics data.

Address and token come from OMNISCOPE_ADDRESS and OMNISCOPE_TOKEN_FILE, else from the local suite:
OMNISCOPE_HOME, or the nearest .omniscope in this folder or above it.
"""
EPILOG = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 no suite answers or it does not "
    "take the token; 4 the watched job ended without success; 130 interrupted."
)


def build() -> typer.Typer:
    """Return the command line with every group and every command that an entry point adds."""
    app = typer.Typer(
        name="omniscope",
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, group in (
        ("datasets", datasets),
        ("automl", automl),
        ("deeplearning", deeplearning),
        ("jobs", jobs),
        ("models", models),
        ("artifacts", artifacts),
        ("experiments", experiments),
    ):
        app.add_typer(group.app, name=name)
    for entry_point in sorted(entry_points(group=COMMANDS_GROUP), key=lambda found: found.name):
        entry_point.load()(app)
    return app


def main() -> None:
    """Run the command line; every expected error is one line on stderr and an exit code."""
    try:
        build()()
    except (OmniscopeError, OSError) as error:
        sys.exit(print_error(error, as_json="--json" in sys.argv))
