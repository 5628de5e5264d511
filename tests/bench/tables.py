"""Tables of results, for a terminal or for the README."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import Spread


@dataclass(frozen=True, slots=True)
class Table:
    """Results of one kind: texts, one list for each row."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def plain(self) -> str:
        """Write it in columns."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join([self.title, *(f"  {line.rstrip()}" for line in padded)])

    def markdown(self) -> str:
        """Write it as the README has its tables."""
        rule = tuple("---" for _ in self.header)
        lines = (f"| {' | '.join(line)} |" for line in (self.header, rule, *self.rows))
        return "\n".join([f"{self.title}:", "", *lines])


def spread_text(spread: Spread, digits: int = 2) -> str:
    """Write a median with the least and greatest of the rounds."""
    return f"{spread.middle:,.{digits}f} ({spread.least:,.{digits}f}..{spread.greatest:,.{digits}f})"
