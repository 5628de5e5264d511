"""`gateway load`: data in, from NDJSON."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.cli.session import REFUSED, WRONG_USE, fail, make_indexes, read_settings, say, with_store
from app.ingest.checking import Refusal
from app.ingest.holds import Holds
from app.ingest.lines import STANDARD_INPUT, Lines, TooLong
from app.ingest.loader import Loader, Tally
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE, Source
from app.store.store import Store

app = typer.Typer(help="Load records, one JSON object a line. Loading a file again does no harm.", no_args_is_help=True)

Files = Annotated[
    list[str], typer.Argument(metavar="FILE…", help="NDJSON, gzipped or not; - for standard input.", show_default=False)
]


@app.command("connection-events")
def connection_events(files: Files) -> None:
    """Load connection events, and keep the status of their connections.

    Refused lines are named here and kept in FILE.rejected.ndjson; the exit status is then 1.
    """
    _load(CONNECTION_EVENT_SOURCE, files)


@app.command("summary-events")
def summary_events(files: Files) -> None:
    """Load summary events.

    Refused lines are named here and kept in FILE.rejected.ndjson; the exit status is then 1.
    """
    _load(SUMMARY_EVENT_SOURCE, files)


def _load(source: Source, files: list[str]) -> None:
    for name in files:
        if name != STANDARD_INPUT and not Path(name).exists():
            fail(f"{name}: there is no such file", WRONG_USE)

    async def work(store: Store) -> bool:
        reports = await make_indexes(store, read_settings(), source.written)
        own = (one for one in reports if one.collection == source.dataset.collection)
        kept = next((one.expires for one in own if one.expires is not None), None)
        clean = [await _load_file(store, source, name, kept) for name in files]
        return all(clean)

    if not with_store(work):
        raise typer.Exit(REFUSED)


async def _load_file(store: Store, source: Source, name: str, kept_seconds: int | None) -> bool:
    """Load one file; tell whether every line of it was taken."""
    retention = timedelta(seconds=kept_seconds or 0)
    oldest = datetime.now(UTC).replace(tzinfo=None) - retention if retention else None
    with _Rejected(name) as rejected:
        holds = Holds(store.rollups, store.rebuilding, goes_on=name == STANDARD_INPUT)
        loader = Loader(store.writer, holds, source, rejected.add, oldest)
        complaint = None
        try:
            with Lines(name) as lines, _progress() as progress:
                task = progress.add_task(name, total=lines.size, rows=0, rate="")

                def show(tally: Tally) -> None:
                    rows = tally.stored + tally.repeated + tally.refused
                    seconds = progress.tasks[task].elapsed or 0
                    rate = f"{rows / seconds:,.0f}/s" if seconds else ""
                    progress.update(task, completed=lines.position, rows=rows, rate=rate)

                await loader.load(lines, show)
        except (OSError, EOFError) as error:
            complaint = f"{name}: cannot be read any further: {error}"
    tally = loader.tally
    if tally.refused == 0 and complaint is None:
        rejected.remove_earlier()
    say(f"{name}: {tally.stored} stored, {tally.repeated} there already, {tally.refused} refused")
    if tally.refused and not rejected.complaint:
        say(f"{name}: the refused lines are in {rejected.path}")
    if tally.expired:
        say(
            f"{name}: {tally.expired} of them are older than the retention of {retention.days} days and will be "
            f"removed; the server's GATEWAY_{source.dataset.retention_setting.upper()} sets it (0: for ever)"
        )
    if complaint:
        say(complaint)
    return tally.refused == 0 and complaint is None


def _progress() -> Progress:
    """A bar with rate and remaining time, on a terminal only."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class _Rejected:
    """The refused lines of one input, as they were, in a file beside it; made only where there are any.

    What comes through a pipe is nowhere else: its refused lines are added to those of earlier loads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_file = name != STANDARD_INPUT and Path(name).is_file()
        self.path = Path(f"{name}.rejected.ndjson" if self._is_file else "stdin.rejected.ndjson")
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None
        self.complaint = ""

    def __enter__(self) -> "_Rejected":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def remove_earlier(self) -> None:
        """Remove what an earlier load of the same input refused: it has been taken now."""
        if self._is_file:
            with suppress(OSError):
                self.path.unlink()

    def add(self, refusal: Refusal, line: bytes | TooLong) -> None:
        """Name a refused line and keep it."""
        field = f"{refusal.field}: " if refusal.field else ""
        say(f"{self._name}:{refusal.number}: {field}{refusal.reason}")
        try:
            if not self.complaint:
                self._keep(line)
        except OSError as error:
            self.complaint = f"{self._name}: the refused lines cannot be kept: {error}"
            say(self.complaint)
        finally:
            if isinstance(line, TooLong):
                line.close()

    def _keep(self, line: bytes | TooLong) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(self.path.open("wb" if self._is_file else "ab"))
        last = b""
        for last in line.pieces() if isinstance(line, TooLong) else [line]:
            self._file.write(last)
        if not last.endswith(b"\n"):
            self._file.write(b"\n")
