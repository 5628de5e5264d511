"""The parts that records of both sources are checked with."""

from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.query.instants import TICKS_PER_MILLISECOND, Instant, parse_instant

_NO_NUL = r"^[^\x00]*$"
UUID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
# What a value that breaks a pattern should be, in words.
PATTERN_WORDS = {
    _NO_NUL: "must not hold the character NUL",
    UUID_PATTERN: "must be a UUID such as a1b2c3d4-e5f6-7890-abcd-ef1234567890",
}


@lru_cache(maxsize=1)
def record_instant(text: str) -> Instant:
    """Read the time of a record, as `parse_instant` does, but once: a record is checked, then made a document."""
    return parse_instant(text)


def _instant(text: str) -> str:
    record_instant(text)
    return text


def _millisecond_instant(text: str) -> str:
    if record_instant(text) % TICKS_PER_MILLISECOND:
        raise ValueError("is finer than a millisecond, which is what this record keeps; give 3 fractional digits")
    return text


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=4096, pattern=_NO_NUL)]
InstantText = Annotated[str, AfterValidator(_instant)]
MillisecondText = Annotated[str, AfterValidator(_millisecond_instant)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Record(BaseModel):
    """A record as a source writes it: exact types, no fields beside the source's own."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
