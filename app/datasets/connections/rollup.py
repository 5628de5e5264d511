"""The rollup of connections, by the time of their last activity."""

from app.datasets.connections.cells import cell_stages, day_of_hours, key_names, pack_cells
from app.datasets.connections.fields import CONNECTIONS
from app.query.rollups import Rollup

CONNECTION_ROLLUP = Rollup(
    dataset=CONNECTIONS,
    time_field="lastActivity",
    cells=cell_stages,
    pack=pack_cells,
    day_of_hours=day_of_hours,
    names=key_names,
    settles=True,
)
