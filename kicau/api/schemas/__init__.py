"""The JSON that goes in and out, each field described: what OpenAPI and the docs page are made of."""
