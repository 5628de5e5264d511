"""The demo data: two invented organizations and two weeks of their events, the same bytes for the same anchor."""
