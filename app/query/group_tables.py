"""The dimensions that every dataset has: its texts, by their names."""

from app.query.dataset import Dataset
from app.query.fields import Kind
from app.query.grouping import Named

_TEXTS = {Kind.TEXT, Kind.STATUS, Kind.ADDRESS}


def text_dimensions(dataset: Dataset) -> dict[str, Named]:
    """Make a dimension of each text field, by its public name; a missing value is null."""
    return {
        field.public_name: Named({"$ifNull": [f"${field.name}", None]}, field.description)
        for field in dataset.fields
        if field.kind in _TEXTS
    }
