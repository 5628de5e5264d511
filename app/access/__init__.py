"""Who asks: the key in the request's header becomes a scope. Nothing else makes one."""
