"""Analytics gateway: GraphQL and REST over connection and API-call analytics in MongoDB."""
