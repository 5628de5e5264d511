"""Connection events: connect, heartbeat, disconnect."""
