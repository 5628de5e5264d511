"""Summary events: one record per API call."""
