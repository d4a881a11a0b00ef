"""Where the room is plugged in: channels tell it when one goes or comes back, in the same transaction."""

from __future__ import annotations

from django.apps import AppConfig


class OffboardingConfig(AppConfig):
    name = "kicau.offboarding"

    def ready(self) -> None:
        from kicau.channels import actions
        from kicau.offboarding import single_channel

        if single_channel.came_back not in actions.CAME_BACK:
            actions.CAME_BACK.append(single_channel.came_back)
            actions.WENT.append(single_channel.went)
