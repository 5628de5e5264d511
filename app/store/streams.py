"""Reads everything that matches, page after page."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import structlog

from app.errors import Internal
from app.query.cursors import position_of
from app.query.pages import PageQuery, Row
from app.store.pages import read_page
from app.store.reader import Reader

log = structlog.get_logger(__name__)


async def stream_rows(reader: Reader, query: PageQuery) -> AsyncGenerator[Sequence[Row]]:
    """Give all rows after the query's position, in its order, as batches of at most `first` rows; none is empty.

    Each batch is a page of its own, which starts at the last row of the one before and has a time budget of its
    own. So nothing is held open in MongoDB between batches, a change of primary does no harm, and to stop asking
    is all it takes to stop; memory is that of one batch.

    A row that is there all the time, and keeps its place in the order, is given exactly once. What arrives or
    vanishes meanwhile is seen where the stream has not passed its place yet.

    Raises what reading a page raises; Internal where the order does not lead on (times that Python cannot hold).
    """
    more = True
    while more:
        page = await read_page(reader, query)
        more = page.has_next
        if more:
            position = position_of(query.order, page.rows[-1])
            if position == query.after:
                log.error("stream_stands_still", dataset=query.dataset.name)
                raise Internal
            query = replace(query, after=position, offset=0)
        if page.rows:
            yield page.rows
