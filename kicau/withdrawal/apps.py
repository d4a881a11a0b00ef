"""Where the room is plugged in: channels tell it when one goes or comes back, in the same transaction."""

from __future__ import annotations

from django.apps import AppConfig


class WithdrawalConfig(AppConfig):
    name = "kicau.withdrawal"

    def ready(self) -> None:
        from kicau.channels import acts
        from kicau.withdrawal import single

        if single.came_back not in acts.CAME_BACK:
            acts.CAME_BACK.append(single.came_back)
            acts.WENT.append(single.went)
