"""HTTP requests that are turned away before GraphQL is asked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from app.errors import GatewayError

_NOTHING: Mapping[str, str] = MappingProxyType({})


class RequestRefused(GatewayError):
    """What HTTP carries cannot be taken; `headers` say what can."""

    code = "BAD_USER_INPUT"
    headers: ClassVar[Mapping[str, str]] = _NOTHING


class MethodNotAllowed(RequestRefused):
    """The method is none that this address answers."""

    status = 405
    title = "Method not allowed"
    headers = MappingProxyType({"Allow": "GET, HEAD, POST"})


class MutationByGet(MethodNotAllowed):
    """A GET names a mutation: a GET changes nothing, here as everywhere."""

    headers = MappingProxyType({"Allow": "POST"})


class NotAcceptable(RequestRefused):
    """None of the media types that the client accepts can be given."""

    status = 406
    title = "Not acceptable"


class TooSlow(RequestRefused):
    """The body did not come in time."""

    code = "TIMEOUT"
    status = 408
    title = "Body too slow"


class TooLarge(RequestRefused):
    """The body is larger than the limit."""

    code = "LIMIT_EXCEEDED"
    status = 413
    title = "Body too large"


class UnsupportedMediaType(RequestRefused):
    """The body is not declared as JSON in UTF-8."""

    status = 415
    title = "Unsupported media type"
    headers = MappingProxyType({"Accept-Post": "application/json"})


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed (RFC 9110, section 12.5.3): it could unpack to any size."""

    headers = MappingProxyType({"Accept-Encoding": "identity"})
