"""The vocabulary in the words of each face: GraphQL types and REST parameters to query objects and back."""
