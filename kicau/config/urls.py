"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from kicau.api.root import api
from kicau.web import health, metrics, public, witness

urlpatterns = [
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("m/<path:ticket>", public.medium, name="public-medium"),
    path("witness/add-checkpoint", witness.add_checkpoint, name="witness"),
    path("api/v1/", api.urls),
    path("", include("kicau.web.urls")),
]
