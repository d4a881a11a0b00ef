"""Signing in, and a person's own account: passwords, passkeys, second factor, sessions."""
