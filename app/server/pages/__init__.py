"""Pages for a browser, served whole from this host under a strict CSP: the explorer and the API reference."""
