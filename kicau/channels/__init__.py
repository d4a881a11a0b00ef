"""Connected identities: how they are connected, their sealed credentials, and the live sessions that connectors use."""
