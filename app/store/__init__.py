"""The only room that knows the driver."""
