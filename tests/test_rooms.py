"""The rooms of the design: who may import whom, who may know what, held by reading the source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From top to bottom. A module imports only from lines below its own, or from its own room.
LINES: tuple[frozenset[str], ...] = (
    frozenset({"cli"}),
    frozenset({"main"}),
    frozenset({"demo"}),
    frozenset({"server", "ingest"}),
    frozenset({"registry"}),
    frozenset({"datasets"}),
    frozenset({"faces"}),
    frozenset({"access"}),
    frozenset({"store"}),
    frozenset({"query"}),
    frozenset({"scope", "errors", "settings"}),
)
LEVELS = {room: level for level, line in enumerate(LINES) for room in line}
FACE_PARTS = {"strawberry", "graphql", "fastapi", "starlette"}
DRIVERS = {"pymongo", "motor", "bson", "gridfs"}
HOMELESS = {"utils", "helpers", "common", "misc", "shared"}


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, as in `app.store.reader`, and its syntax."""

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The name below `app`; the package itself is at the bottom."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def dataset(self) -> str | None:
        """The dataset whose folder it lies in."""
        parts = self.name.split(".")
        return parts[2] if self.room == "datasets" and len(parts) > 2 else None


def modules(root: Path) -> list[Module]:
    """Read every module of `app` under the root."""
    found = []
    for path in sorted((root / "app").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, ast.parse(path.read_text("utf-8"))))
    return found


def imported(module: Module) -> Iterator[str]:
    """Every module or name that is imported, wherever in the file, as a full dotted name."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=0, module=str(origin), names=names):
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                yield "app.(a relative import)"
            case ast.Call(func=ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module")):
                yield "app.(an import by name)"


def violations(root: Path) -> list[str]:
    """List what breaks a rule, one line each."""
    return [f"{module.name}: {broken}" for module in modules(root) for broken in _broken(module)]


def _broken(module: Module) -> Iterator[str]:
    if HOMELESS & set(module.name.split(".")):
        yield "a room without a noun"
        return
    if module.room and module.room not in LEVELS:
        yield "a room that the design does not have"
        return
    for name in imported(module):
        top, *rest = name.split(".")
        if top == "app" and module.room:
            yield from (f"imports {name}, {reason}" for reason in _inner(module, rest))
        elif top in DRIVERS and module.room != "store":
            yield f"imports {name}, which only store knows"
        elif top in FACE_PARTS and LEVELS.get(module.room, len(LINES)) > LEVELS["faces"]:
            yield f"imports {name}, which nothing below faces knows"
    if module.room != "access" and _makes_scopes(module.tree):
        yield "makes a Scope, which only access does"


def _inner(module: Module, rest: list[str]) -> Iterator[str]:
    """Say what is wrong with importing `app.<rest>` from the module."""
    room = rest[0] if rest else module.room  # `import app` alone brings in nothing
    if room not in LEVELS:
        yield "which is no room"
    elif room != module.room and LEVELS[room] <= LEVELS[module.room]:
        yield "which is not below it"
    elif room == "datasets" == module.room and len(rest) > 1:
        if rest[1] != module.dataset:
            yield "another dataset"
        elif {module.name.split(".")[-1], *rest[2:3]} == {"graphql", "rest"}:
            yield "the other face"


def _makes_scopes(tree: ast.Module) -> bool:
    """Whether `Scope` is called, by whatever name it came, or a scope is copied with changes."""
    aliases = [node for node in ast.walk(tree) if isinstance(node, ast.alias)]
    names = {"Scope"} | {alias.asname for alias in aliases if alias.name == "Scope" and alias.asname}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in names:
                return True
            case ast.Call(func=ast.Name("replace") | ast.Attribute(attr="replace"), args=[first, *_]):
                if "scope" in ast.unparse(first).lower():
                    return True
    return False


def test_every_import_goes_down() -> None:
    """The application keeps all the rules."""
    assert violations(ROOT) == []


def test_every_room_of_the_design_is_there() -> None:
    """The table above is the tree as it is: no line is left of a room that was taken out."""
    assert {module.room for module in modules(ROOT)} - {""} == set(LEVELS)
    assert sum(len(line) for line in LINES) == len(LEVELS)


PLANTED = {
    "query/windows.py": ("import app.store.reader", "not below it"),
    "store/reader.py": ("from app import access", "not below it"),
    "store/keys.py": ("def late():\n    from app.access.gate import Gate", "not below it"),
    "registry.py": ("from app.server.rest import X", "not below it"),
    "server/health.py": ("from app.ingest import loader", "not below it"),
    "ingest/loader.py": ("from app.demo.window import demo_window", "not below it"),
    "main.py": ("from app.cli import main", "not below it"),
    "datasets/connections/rest.py": ("from app.datasets.connections import graphql", "the other face"),
    "datasets/connections/graphql.py": ("from app.datasets.connections.rest import ROUTES", "the other face"),
    "datasets/connections/fields.py": ("from app.datasets.summary_events.fields import X", "another dataset"),
    "access/gate.py": ("from starlette.requests import Request", "nothing below faces knows"),
    "query/fields.py": ("import strawberry", "nothing below faces knows"),
    "scope.py": ("from fastapi import Depends", "nothing below faces knows"),
    "cli/load.py": ("import bson", "only store knows"),
    "server/rest.py": ("from pymongo.errors import PyMongoError", "only store knows"),
    "faces/rest/routes.py": ("from motor.motor_asyncio import AsyncIOMotorClient", "only store knows"),
    "server/viewer.py": ("from app.scope import Scope\nScope('a')", "only access does"),
    "cli/keys.py": ("from app.scope import Scope as S\nS('a')", "only access does"),
    "store/store.py": ("import app.scope\napp.scope.Scope('a')", "only access does"),
    "faces/rendering.py": ("from dataclasses import replace\nreplace(context.scope, org_name='a')", "only access does"),
    "utils.py": ("", "a room without a noun"),
    "store/common/texts.py": ("", "a room without a noun"),
    "billing/invoices.py": ("", "a room that the design does not have"),
    "query/pages.py": ("from . import windows", "is no room"),
    "query/cursors.py": ("from importlib import import_module\nimport_module('app.store')", "is no room"),
}


@pytest.mark.parametrize(("path", "source", "broken"), [(path, *planted) for path, planted in PLANTED.items()])
def test_a_planted_violation_is_caught(tmp_path: Path, path: str, source: str, broken: str) -> None:
    """Each rule, broken once in a tree of its own, is reported with the module that broke it."""
    file = tmp_path / "app" / path
    file.parent.mkdir(parents=True)
    file.write_text(source, "utf-8")
    (found,) = violations(tmp_path)
    assert found.startswith(f"app.{path.removesuffix('.py').replace('/', '.')}: ")
    assert broken in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "ingest/loader.py",
            "from app.datasets.connections import status\nfrom app.datasets.summary_events import fields",
        ),
        ("demo/setting_up.py", "from app.ingest.loader import Loader"),
        ("cli/serve.py", "from fastapi import FastAPI\nfrom app.main import create_app"),
        ("datasets/connections/rest.py", "from app.datasets.connections.fields import CONNECTIONS"),
        ("access/gate.py", "from app.scope import Scope\nScope('a')"),
        ("faces/context.py", "from app.scope import Scope\n'a'.replace('b', 'c')"),
        ("store/launcher.py", "import app"),
        ("store/client.py", "from pymongo import AsyncMongoClient\nfrom app.query.dataset import Dataset"),
    ],
)
def test_what_the_rules_allow_is_not_reported(tmp_path: Path, path: str, source: str) -> None:
    """The rules forbid no more than they say."""
    file = tmp_path / "app" / path
    file.parent.mkdir(parents=True)
    file.write_text(source, "utf-8")
    assert violations(tmp_path) == []
