from tests.servers.fixtures import account_server, two_servers

__all__ = ["account_server", "two_servers"]
