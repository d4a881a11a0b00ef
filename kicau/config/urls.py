"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from kicau.api.root import api
from kicau.web.core import health, metrics
from kicau.web.inbox import webhook_endpoint
from kicau.web.public import crawler_files, oauth_client_metadata, public_media, witness

handler400 = "kicau.web.core.error_pages.malformed"
handler403 = "kicau.web.core.error_pages.denied"
handler404 = "kicau.web.core.error_pages.not_found"
handler500 = "kicau.web.core.error_pages.broken"

urlpatterns = [
    path("healthz", health.healthz, name="alive"),
    path("readyz", health.readyz, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("m/<path:ticket>", public_media.public_medium, name="public-medium"),
    path("webhooks/<uuid:app_id>", webhook_endpoint.receive_webhook, name="webhook"),
    path("witness/add-checkpoint", witness.add_checkpoint, name="witness"),
    path("clients/<slug:network>.json", oauth_client_metadata.client_metadata, name="client"),
    path("robots.txt", crawler_files.robots_txt, name="robots"),
    path(".well-known/tdmrep.json", crawler_files.tdm_reservations, name="tdmrep"),
    path("license.xml", crawler_files.site_licence, name="site-licence"),
    path("license/<uuid:workspace_id>.xml", crawler_files.workspace_licence, name="licence"),
    path("tdm-policy/<uuid:workspace_id>.json", crawler_files.workspace_policy, name="tdm-policy"),
    path("api/v1/", api.urls),
    path("", include("kicau.web.urls")),
]
