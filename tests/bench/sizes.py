"""How much the bench's databases hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """So many connection events (with their connections) and as many summary events, all over the same span."""

    name: str
    events: int

    @property
    def database(self) -> str:
        """The database's name."""
        return f"bench_{self.name}"


SIZES = (Size("small", 200_000), Size("medium", 2_000_000), Size("large", 10_000_000))
MODEST_EVENTS = 20_000  # of the second organization, at any size


def sizes_up_to(name: str) -> tuple[Size, ...]:
    """Give the sizes up to the named one; ValueError where there is none of that name."""
    return SIZES[: [size.name for size in SIZES].index(name) + 1]
