"""Health: alive as a process, ready to answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.errors import GatewayError
from app.store.store import Store


def health_routes(store: Store) -> list[Route]:
    """Make `/health/live`, which answers as long as the process does, and `/health/ready`, which asks MongoDB."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> Response:
        try:
            await store.ping()
        except GatewayError as error:
            return JSONResponse({"status": "unavailable", "detail": error.message}, status_code=503)
        return JSONResponse({"status": "ready"})

    return [Route("/health/live", live, methods=["GET"]), Route("/health/ready", ready, methods=["GET"])]
