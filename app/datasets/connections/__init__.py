"""Connections: the status of each, kept from its events, and their summary."""
