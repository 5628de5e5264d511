"""What text may be asked for."""

from app.errors import InvalidInput
from app.query.limits import TEXT_LENGTH


def check_text(value: str, argument: str) -> None:
    """Raise InvalidInput for NUL or a lone surrogate, LimitExceeded for text that is too long."""
    TEXT_LENGTH.check(len(value), argument)
    if "\0" in value:
        raise InvalidInput(f"{argument}: text cannot hold the character NUL (U+0000).", argument=argument)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{argument}: text cannot hold a lone surrogate; send valid Unicode.", argument=argument
        ) from None
