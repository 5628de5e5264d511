"""REST: query parameters to query objects, rows to JSON."""
