"""`kicau demo`: all of it on this machine, in two minutes."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--seconds",
    type=click.IntRange(5, 3600),
    default=120,
    show_default=True,
    help="Number of seconds over which the posts are published.",
)
@click.option(
    "--exit", "leave", is_flag=True, help="Stop after printing the table. Without this option, the demo keeps running."
)
@click.option(
    "--posts",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Publish your own table (see kicau import posts) instead of the demo's. Its media are in the same folder.",
)
def demo(seconds: int, leave: bool, posts: Path | None) -> None:
    """Start Kicau with simulated networks, connect nine channels, and publish fifty posts.

    Nothing leaves this machine. A second run continues where the first one ended, and publishes nothing twice. The exit
    code is 1 if anything is missing.
    """
    from kicau.demo import run

    sys.exit(run.run_demo(seconds=seconds, stay=not leave, posts=posts))
