"""The command `gateway`. Exit statuses: 0 done, 1 some input refused, 2 wrong use, 3 database out of reach."""

import sys


def main() -> None:
    """Run the command line.

    A load does without the modules of the other commands: reading those takes longer than many a load.
    """
    if sys.argv[1:2] == ["load"]:
        from app.cli import load  # noqa: PLC0415
        from app.cli.root import new_root  # noqa: PLC0415

        app = new_root()
        app.add_typer(load.app, name="load")
    else:
        from app.cli.commands import app  # noqa: PLC0415
    app()
