"""The command `gateway`. Exit statuses: 0 done, 1 some input refused, 2 wrong use, 3 database out of reach."""

import sys

from app.cli.commands import tree


def main() -> None:
    """Run the command line."""
    tree(next(iter(sys.argv[1:]), None))()
