"""`/metrics`: what Prometheus scrapes. It needs a key that may `admin`."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from app.scope import Permission
from app.server.metrics import Metrics
from app.server.places import Face
from app.server.reception import Admitted, Reception
from app.server.rest import Operation, mount_operation


def mount_metrics(app: FastAPI, metrics: Metrics, reception: Reception) -> None:
    """Add the route. It waits for no turn and costs nothing, so that it answers under load too."""

    async def respond(admitted: Admitted, _values: Mapping[str, Any]) -> Response:
        text, media = await metrics.exposed(admitted.request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media, "Vary": "Accept"})

    operation = Operation(
        permission=Permission.ADMIN,
        path="/metrics",
        name="metrics",
        tag="operations",
        description="Metrics of this server for Prometheus.",
        parameters=(),
        respond=respond,
        content={"text/plain": {"schema": {"type": "string"}}},
        face=Face.HEALTH,
    )
    mount_operation(app, operation, reception)
