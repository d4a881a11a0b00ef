"""`kicau demo`: all of it on this machine, in two minutes."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--seconds", type=click.IntRange(5, 3600), default=120, show_default=True, help="Over how long the posts go out."
)
@click.option("--exit", "leave", is_flag=True, help="Stop after the table instead of staying up.")
@click.option(
    "--posts",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Your own table (see kicau import posts) instead of the demo's, its media beside it.",
)
def demo(seconds: int, leave: bool, posts: Path | None) -> None:
    """Bring up Kicau with a local internet of sandbox networks, connect nine channels, and publish fifty posts.

    Nothing leaves this machine. A second run goes on where the first one was, and sends nothing twice. Ends with 1
    where anything is missing.
    """
    from kicau.demo import run

    sys.exit(run.run_demo(seconds=seconds, stay=not leave, posts=posts))
