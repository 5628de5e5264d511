"""The ASGI side: GraphQL over HTTP, REST, health, pages."""
