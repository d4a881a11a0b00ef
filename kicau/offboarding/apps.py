"""Where the room is plugged in: channels tell it when one goes or comes back, in the same transaction."""

from __future__ import annotations

from django.apps import AppConfig


class OffboardingConfig(AppConfig):
    name = "kicau.offboarding"

    def ready(self) -> None:
        from kicau.channels import actions
        from kicau.offboarding import single_channel

        if single_channel.channel_reconnected not in actions.RECONNECTED_HOOKS:
            actions.RECONNECTED_HOOKS.append(single_channel.channel_reconnected)
            actions.DISCONNECTED_HOOKS.append(single_channel.channel_disconnected)
