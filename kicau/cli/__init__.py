"""The shell: every act of Kicau as a command, with tables for people, JSON for programs and exit codes to trust."""

from kicau.cli.root import main

__all__ = ["main"]
