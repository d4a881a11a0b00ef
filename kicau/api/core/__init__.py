"""What all endpoints share: authentication, rate limits, idempotency, paging, problems, OpenAPI."""
