"""The inbox's page, and the endpoint for networks' webhooks."""
