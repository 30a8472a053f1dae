"""Lets `python -m omniscope_client` be the command line."""

from omniscope_client.cli import main

main()
