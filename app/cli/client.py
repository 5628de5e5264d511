"""`gateway summary` and `gateway connections`: any gateway's REST routes from a terminal."""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import typer

from app.cli.output import Output, write_rows
from app.cli.session import OUT_OF_REACH, REFUSED, WRONG_USE, fail
from app.faces.rest.parameters import Parameter as QueryParameter
from app.faces.rest.routes import RestRoute
from app.registry import DATASETS

_ROUTES = {route.path: route for one in DATASETS for route in one.routes}
_TYPES: dict[str, type] = {"integer": int, "boolean": bool}
_SECONDS = 60.0

summary = typer.Typer(help="Ask a gateway for summary events.", no_args_is_help=True)
connections = typer.Typer(help="Ask a gateway for connections and their events.", no_args_is_help=True)

Server = Annotated[str, typer.Option("--server", envvar="GATEWAY_SERVER", help="Address of the gateway.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="GATEWAY_API_KEY", show_envvar=True, help="API key; better given in the environment."),
]
Format = Annotated[
    Output | None, typer.Option("--output", help="How to write it; a table on a terminal, JSON otherwise.")
]


def ask(server: str, key: str | None, path: str, parameters: Mapping[str, Any]) -> Any:
    """GET a path of a gateway and give its JSON; what went wrong ends the command with the fitting status."""
    if not key or not key.isascii() or not key.isprintable():
        fail("GATEWAY_API_KEY: an API key is needed (gateway keys create makes one)", WRONG_USE)
    try:
        answer = httpx2.get(
            server.rstrip("/") + path,
            params=dict(parameters),
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=_SECONDS,
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        fail(f"--server: {server} cannot be reached ({error})", OUT_OF_REACH)
    except UnicodeEncodeError:
        fail("an option is not text in this terminal's encoding; set LC_ALL to a UTF-8 locale", WRONG_USE)
    if answer.status_code != 200:
        status = {404: REFUSED, 503: OUT_OF_REACH, 504: OUT_OF_REACH}.get(answer.status_code, WRONG_USE)
        fail(_detail(answer), status)
    try:
        return answer.json()
    except ValueError:
        fail(f"--server: {server} is no gateway: its answer is not JSON", WRONG_USE)


def _detail(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        return str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {answer.status_code}"


def _command(path: str, rows_of: Callable[[Any], Any]) -> tuple[Callable[..., None], RestRoute]:
    """Make a command of a route: an option for each of its parameters, an argument for each part of its path."""
    route = _ROUTES[path]

    def run(**given: Any) -> None:
        server, key, output = given.pop("server"), given.pop("key"), given.pop("output")
        parts = {name: quote(given.pop(name), safe="") for name in route.path_parameters}
        asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
        body = ask(
            server, key, path.format(**parts), {name: value for name, value in asked.items() if value is not None}
        )
        try:
            rows = rows_of(body)
        except (KeyError, TypeError):
            fail(f"--server: {server} is no gateway: its answer has another form", WRONG_USE)
        write_rows(rows, output)

    parameters = [
        *(_argument(name, description) for name, description in route.path_parameters.items()),
        *(_option(parameter) for parameter in route.parameters),
        Parameter("server", Parameter.KEYWORD_ONLY, default="http://127.0.0.1:8000", annotation=Server),
        Parameter("key", Parameter.KEYWORD_ONLY, default=None, annotation=Key),
        Parameter("output", Parameter.KEYWORD_ONLY, default=None, annotation=Format),
    ]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # how Typer learns of options
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run, route


def _argument(name: str, description: str) -> Parameter:
    annotation = Annotated[str, typer.Argument(help=description, metavar=name.upper())]
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)


def _option(parameter: QueryParameter) -> Parameter:
    kind: Any = _TYPES.get(parameter.schema["type"], str)
    dashed = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in parameter.name).replace(
        "_", "-"
    )
    names = f"--{dashed}/--no-{dashed}" if kind is bool else f"--{dashed}"
    annotation = Annotated[kind | None, typer.Option(names, help=parameter.description)]
    return Parameter(parameter.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


_COMMANDS: tuple[tuple[typer.Typer, str, str, Callable[[Any], Any]], ...] = (
    (summary, "list", "/summary", lambda body: body["events"]),
    (summary, "get", "/summary/{id}", lambda body: body),
    (summary, "count", "/summary/count", lambda body: body),
    (connections, "summary", "/api/connection-analytics/summary", lambda body: body),
    (connections, "events", "/api/connection-analytics/events/query", lambda body: body),
    (connections, "list", "/api/connection-analytics/query", lambda body: body),
)
for _group, _name, _path, _rows_of in _COMMANDS:
    _run, _route = _command(_path, _rows_of)
    _group.command(_name, help=_route.description)(_run)
