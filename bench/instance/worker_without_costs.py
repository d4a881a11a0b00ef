"""A worker that reserves no budget and writes no charges, for comparison only: `python -m bench.instance.worker_without_costs`."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import django

    django.setup()
    from kicau.publishing.budget import budget_checks

    budget_checks.reserve_budgets = lambda *given: None
    budget_checks.record_charges = lambda *given: None
    from kicau.config import worker

    worker.main()


if __name__ == "__main__":
    main()
