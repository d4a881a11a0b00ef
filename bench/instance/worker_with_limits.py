"""A worker with other limits for its partitions: `python -m bench.instance.worker_with_limits PER_NETWORK PER_CHANNEL`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    import django

    django.setup()
    from kicau.engine import dispatcher

    per_group, per_lane = (int(value) for value in sys.argv[1:])
    defaults = dispatcher.Dispatcher.__init__.__kwdefaults__
    assert defaults is not None
    defaults.update(per_group=per_group, per_lane=per_lane)
    from kicau.config import worker

    worker.main()


if __name__ == "__main__":
    main()
