"""`gateway keys`: who may ask."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.access.administration import NewKey, create_key, revoke_key, rotate_key
from app.access.credentials import Credential, is_key_id
from app.access.state import KeyState, state_of
from app.cli.session import REFUSED, WRONG_USE, fail, say, with_store
from app.errors import InvalidInput
from app.query.durations import parse_duration
from app.query.instants import now, parse_instant, split_instant
from app.query.texts import check_text
from app.scope import READING, Permission
from app.store.client import Document
from app.store.store import Store

_COLUMNS = ("id", "name", "organization", "org name", "scopes", "created", "last used", "expires", "replaces", "state")
_NOT_FOLDED = {"id", "replaces", "state"}
_SCOPE_HELP = (
    "What the key may do; give it once for each. connections:read reads connections and their events, summary:read "
    "summary events; these two by default. admin is for /metrics. ingest is reserved for sending records over HTTP: "
    "no route needs it yet."
)
app = typer.Typer(help="Create, rotate, list and revoke API keys.", no_args_is_help=True)


@app.command("create")
def create(
    organization_id: Annotated[UUID, typer.Option(help="The organization that owns connections, a UUID.")],
    org_name: Annotated[str, typer.Option(help="The organization's name, which owns summary events.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 2027-01-31T00:00:00Z, or a duration from now such as P90D.")
    ] = None,
    scope: Annotated[list[Permission] | None, typer.Option(help=_SCOPE_HELP)] = None,
) -> None:
    """Create a key and print it. It is shown this once: only a hash of it is stored."""
    if not org_name:
        fail("--org-name: must not be empty", WRONG_USE)
    _check_text(org_name, "--org-name")
    _check_text(name, "--name")
    new = NewKey(organization_id, org_name, name, _expiry(expires), tuple(scope or READING))

    async def work(store: Store) -> Credential:
        return await create_key(store.keys, new)

    _show(with_store(work))


@app.command("rotate")
def rotate(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the key to replace (the part after gw_).")],
    overlap: Annotated[
        str,
        typer.Option(help="How long the old key still works, an ISO 8601 duration such as P7D; P0D ends it at once."),
    ] = "P7D",
) -> None:
    """Make a new key in place of one, with the same scopes and end, and print it once. Both work for the overlap."""
    end = _overlap_end(overlap)
    _check_id(key_id)

    async def work(store: Store) -> datetime:
        return await rotate_key(store.keys, key_id, end, _show)

    ended = with_store(work)
    when = f"at {ended:%Y-%m-%d %H:%M:%S} UTC" if ended > datetime.now(UTC).replace(tzinfo=None) else "now"
    say(f"{key_id} ends {when}; running servers take up to a minute to know.")


@app.command("list")
def list_keys(
    *, json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False
) -> None:
    """List all keys, without their secrets."""

    async def work(store: Store) -> list[Document]:
        return await store.keys.list()

    keys = with_store(work)
    if json:
        for key in keys:
            typer.echo(orjson.dumps(_as_json(key), option=orjson.OPT_NAIVE_UTC).decode())
        return
    table = Table(*(Column(name, overflow="fold", no_wrap=name in _NOT_FOLDED) for name in _COLUMNS))
    for key in keys:
        table.add_row(*_as_row(key))
    console = Console()
    if not console.is_terminal:
        console.width = 1000  # a pipe has no edge at which to fold
    console.print(table)


@app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id (the part after gw_).")]) -> None:
    """Revoke a key. Running servers refuse it within a minute."""
    _check_id(key_id)

    async def work(store: Store) -> bool:
        return await revoke_key(store.keys, key_id)

    if not with_store(work):
        fail(f"there is no key with the id {key_id}", REFUSED)
    say(f"{key_id} is revoked.")


def _show(key: Credential) -> None:
    say("This key is shown once; keep it.")
    typer.echo(str(key))


def _as_json(key: Document) -> dict[str, Any]:
    unused = {"lastUsedAt": None, "replaces": None}  # keys of older versions have neither
    return {"id": key.pop("_id"), **unused, **key, "live": state_of(key) is KeyState.LIVE}


def _as_row(key: Document) -> tuple[str | Text, ...]:
    return (
        key["_id"],
        _shown(key.get("name") or ""),
        key["organizationId"],
        _shown(key["orgName"]),
        " ".join(key.get("scopes", ())),
        _minute(key["createdAt"]),
        _minute(key.get("lastUsedAt")),
        _minute(key.get("expiresAt")),
        key.get("replaces") or "",
        state_of(key),
    )


def _minute(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _shown(text: str) -> Text:
    """A name is text: no markup, and no control characters on the terminal."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in text))


def _check_text(text: str, option: str) -> None:
    try:
        check_text(text, option)
    except InvalidInput as error:
        fail(error.message, WRONG_USE)


def _check_id(text: str) -> None:
    """End the command where no key has such an id. Whoever gave a whole key does not see its secret again."""
    if not is_key_id(text):
        fail("there is no key with this id; an id is the 12 letters and digits after gw_", REFUSED)


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = parse_duration(text).after(now()) if text.startswith("P") else parse_instant(text)
    except ValueError as error:
        fail(f"--expires: {text!r} {error}", WRONG_USE)
    if at <= now():
        fail("--expires: lies in the past", WRONG_USE)
    return split_instant(at)[0].replace(tzinfo=UTC)


def _overlap_end(text: str) -> datetime:
    """Tell when an overlap that begins now is over. A duration of zero is none anywhere else, but is one here."""
    is_zero = set(text) & set("0123456789") == {"0"}
    try:
        overlap = parse_duration(re.sub("0+", "1", text) if is_zero else text)
    except ValueError as error:
        fail(f"--overlap: {text!r} {error}", WRONG_USE)
    end = now() if is_zero else overlap.after(now())
    return split_instant(end)[0].replace(tzinfo=UTC)
