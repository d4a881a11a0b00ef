from __future__ import annotations

from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "kicau.reading"

    def ready(self) -> None:
        """The forecast knows what reading will cost before there is a habit of it; what was answered waits no more; a channel
        that is disconnected is told of no more."""
        from kicau.channels import acts
        from kicau.publishing import forecasting, settling
        from kicau.reading import choosing, inbox, telling

        if choosing.begun not in forecasting.BEGUN:
            forecasting.BEGUN.append(choosing.begun)
        if inbox.note_replies not in settling.ANSWERED:
            settling.ANSWERED.append(inbox.note_replies)
        if telling.part not in acts.GOES:
            acts.GOES.append(telling.part)
