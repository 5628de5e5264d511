"""Mounts the datasets' exports: files that are written while they are read, in the memory of one batch."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from app.errors import GatewayError, Internal
from app.faces.rest.exports import BATCH_ROWS, Export
from app.faces.rest.formats import FORMATS, Format, Record
from app.faces.rest.routes import record_schema
from app.server.compression import accepts_gzip, gzipped
from app.server.places import Face
from app.server.presence import while_present
from app.server.reception import Admitted, Reception, in_time
from app.server.record import record_of
from app.server.rest import Operation, Respond, mount_operation

log = structlog.get_logger(__name__)


def export_path(export: Export, form: Format) -> str:
    """Tell where an export is served in a format."""
    return f"/export/{export.dataset.name}.{form.extension}"


def mount_exports(app: FastAPI, exports: Iterable[Export], reception: Reception) -> None:
    """Add a GET for each export in each format."""
    for export in exports:
        for form in FORMATS:
            operation = Operation(
                permission=export.dataset.permission,
                path=export_path(export, form),
                name=f"export_{export.dataset.name}_{form.extension}".replace("-", "_"),
                tag=export.dataset.name,
                description=f"{export.description} All that match, as {form.description}.",
                parameters=export.parameters,
                respond=_respond(export, form, reception),
                content={form.media_type: {"schema": _schema(export, form)}},
                face=Face.EXPORT,
            )
            mount_operation(app, operation, reception)


def _schema(export: Export, form: Format) -> dict[str, Any]:
    if form.extension == "ndjson":
        return record_schema(export.fields, "One line.")
    return {"type": "string", "description": f"The columns {', '.join(export.names)}."}


def _respond(export: Export, form: Format, reception: Reception) -> Respond:
    async def respond(admitted: Admitted, values: Mapping[str, Any]) -> Response:
        """Answer once the first batch is there: until then an error has a status of its own."""
        columns = export.columns(values)
        await reception.charge(admitted, BATCH_ROWS * len(columns))
        batches = _in_turn(reception, admitted, export.records(reception.unhurried(admitted), values, columns))
        # Later on, the response itself sees its client go, and each batch has a time of its own.
        async with while_present(admitted.request), in_time(admitted):
            first: Sequence[Record] = await anext(batches, [])
        pieces = _pieces(reception, admitted, form, form.head(columns) + form.body(first), batches)
        zipped = accepts_gzip(",".join(admitted.request.headers.getlist("accept-encoding")))
        return StreamingResponse(
            gzipped(pieces) if zipped else pieces,
            headers={
                "Content-Type": form.media_type,
                "Content-Disposition": f'attachment; filename="{export.dataset.name}.{form.extension}"',
                "Vary": "Accept-Encoding",
                **({"Content-Encoding": "gzip"} if zipped else {}),
            },
        )

    return respond


async def _in_turn(
    reception: Reception, admitted: Admitted, batches: AsyncIterator[Sequence[Record]]
) -> AsyncIterator[Sequence[Record]]:
    """Take a turn for each batch only: how long its client takes to read it keeps nobody waiting."""
    while True:
        async with reception.batch_turn(admitted):
            batch = await anext(batches, None)
        if batch is None:
            return
        yield batch


async def _pieces(
    reception: Reception, admitted: Admitted, form: Format, piece: bytes, batches: AsyncIterator[Sequence[Record]]
) -> AsyncIterator[bytes]:
    """Write batch after batch, each when the one before has been taken.

    The key is checked again before each, so that a revocation ends a long export too. An error here is logged and
    passed on to the server, which then breaks the transfer off: a part never looks like the whole.
    """
    record = record_of(admitted.request)
    try:
        if piece:
            yield piece
        await reception.check_again(admitted)
        async for batch in batches:
            yield form.body(batch)
            await reception.check_again(admitted)
    except GatewayError as error:
        record.code = error.code
        log.warning("export_broken_off", operation=record.place.operation, code=error.code)
        raise
    except Exception:
        record.code = Internal.code
        log.exception("export_failed", operation=record.place.operation)
        raise
