"""What the README says is what runs."""

import json
import re
from pathlib import Path

from typer.main import get_command

from app.cli.commands import tree as commands
from app.faces.rest.formats import FORMATS
from app.registry import DATASETS
from app.server.exports import export_path
from app.settings import Settings
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events, seed_summary_events

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Take the fenced blocks of a language out of the README."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def test_the_queries_give_the_answers_that_the_readme_shows(gateway: Gateway) -> None:
    """With the example records loaded, as the README says."""
    await gateway.load_connection_events(seed_connection_events())
    await gateway.load_summary_events(seed_summary_events())
    key = await gateway.key()
    assert len(blocks("graphql")) == len(blocks("json"))
    for query, answer in zip(blocks("graphql"), blocks("json"), strict=True):
        assert await gateway.post(key, query) == json.loads(answer)


def test_every_setting_stands_in_the_readme_with_its_default() -> None:
    """Names, defaults and descriptions are the settings' own."""
    expected = [
        f"| `GATEWAY_{name.upper()}` |{_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [line for line in README.splitlines() if line.startswith("| `GATEWAY_")] == expected


def _default(value: object) -> str:
    if value in (None, ()):
        return ""
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f" `{shown}`"


def test_every_rest_path_stands_in_the_readme() -> None:
    """And no other."""
    served = {route.path for one in DATASETS for route in one.routes}
    served |= {export_path(export, form) for one in DATASETS for export in one.exports for form in FORMATS}
    assert set(re.findall(r"^\| `GET (\S+)`", README, re.MULTILINE)) == served


def test_every_command_of_the_readme_exists() -> None:
    """`gateway …` lines name commands and options that the command line has."""
    tree = get_command(commands(None))
    named = re.search(r"`gateway (\w+(?: \| \w+)+)`", README)
    assert named is not None
    assert set(named[1].split(" | ")) == set(tree.commands)  # type: ignore[attr-defined] # a group of commands
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("gateway ")]
    assert lines
    for line in lines:
        words, at = line.split()[1:], tree
        while words and hasattr(at, "commands"):
            at = at.commands[words.pop(0)]
        options = {option for parameter in at.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_every_make_target_of_the_readme_exists() -> None:
    """The README's `make` lines are targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)`?", " ".join(blocks("sh")))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
