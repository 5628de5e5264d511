"""GraphQL over HTTP: our own endpoint in front of Strawberry's schema."""
