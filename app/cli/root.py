"""The root of the command line, which commands are added to."""

import typer


def new_root() -> typer.Typer:
    """Make a `gateway` without commands."""
    return typer.Typer(
        name="gateway",
        help="GraphQL and REST over connection and API-call analytics in MongoDB. Settings: environment variables "
        "GATEWAY_*, see the README.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
