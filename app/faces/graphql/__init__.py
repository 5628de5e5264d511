"""GraphQL: scalars, inputs, orders, pages, made from the datasets' tables."""
