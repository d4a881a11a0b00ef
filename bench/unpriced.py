"""A worker that neither sets money aside nor writes charges; for comparison only: `python -m bench.unpriced`."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import django

    django.setup()
    from kicau.publishing.budget import budget_checks

    budget_checks.afford = lambda items, channels: None
    budget_checks.account = lambda outcomes, channels: None
    from kicau.config import worker

    worker.main()


if __name__ == "__main__":
    main()
