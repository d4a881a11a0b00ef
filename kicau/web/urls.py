"""Addresses of pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from kicau.web import activity, calendar, channels, library, marks, posts, preferences, signing_in, team
from kicau.web.composer import views as composer

urlpatterns: list[URLPattern] = [
    path("", calendar.home, name="home"),
    path("sign-in", signing_in.sign_in, name="sign-in"),
    path("sign-out", signing_in.sign_out, name="sign-out"),
    path("welcome", signing_in.welcome, name="welcome"),
    path("language", signing_in.choose_language, name="choose-language"),
    path("theme", signing_in.choose_theme, name="choose-theme"),
    path("you", preferences.you, name="you"),
    path("workspace/switch", preferences.switch, name="switch-workspace"),
    path("workspace/none", preferences.no_workspace, name="no-workspace"),
    path("compose", composer.new, name="compose"),
    path("compose/shape", composer.reshape, name="compose-shape"),
    path("compose/look", composer.look, name="compose-look"),
    path("compose/keep", composer.keep, name="compose-keep"),
    path("compose/send", composer.send, name="compose-send"),
    path("compose/library", composer.pick, name="compose-library"),
    path("compose/<uuid:draft_id>", composer.composer, name="compose-draft"),
    path("drafts", posts.drafts, name="drafts"),
    path("posts/<uuid:draft_id>", posts.post, name="post"),
    path("posts/<uuid:draft_id>/duplicate", posts.duplicate, name="duplicate"),
    path("posts/<uuid:draft_id>/submit", posts.submit, name="submit"),
    path("posts/<uuid:draft_id>/put-away", posts.put_away, name="put-away"),
    path("deliveries/<uuid:delivery_id>", posts.delivery, name="delivery"),
    path("deliveries/<uuid:delivery_id>/<slug:verb>", posts.do, name="delivery-do"),
    path("channels", channels.index, name="channels"),
    path("channels/callback", channels.callback, name="channels-callback"),
    path("channels/choose", channels.choose, name="channels-choose"),
    path("channels/connect/<slug:network>", channels.connect, name="channels-connect"),
    path("channels/<slug:key>", channels.channel, name="channel"),
    path("channels/<slug:key>/<slug:verb>", channels.do, name="channel-do"),
    path("library", library.index, name="library"),
    path("library/upload", library.upload, name="library-upload"),
    path("library/small/<slug:digest>.jpg", library.small, name="medium-small"),
    path("library/whole/<slug:digest>", library.whole, name="medium-whole"),
    path("library/<uuid:medium_id>", library.medium, name="medium"),
    path("library/<uuid:medium_id>/change", library.change, name="medium-change"),
    path("team", team.index, name="team"),
    path("team/add", team.add, name="team-add"),
    path("team/<uuid:person_id>", team.change, name="team-change"),
    path("settings", preferences.workspace_settings, name="settings"),
    path("settings/workspace", preferences.change_workspace, name="settings-workspace"),
    path("settings/tokens", preferences.make_token, name="token-make"),
    path("settings/tokens/<uuid:token_id>/revoke", preferences.revoke_token, name="token-revoke"),
    path("settings/webhooks", preferences.add_webhook, name="webhook-add"),
    path("settings/webhooks/<uuid:webhook_id>/remove", preferences.remove_webhook, name="webhook-remove"),
    path("activity", activity.index, name="activity"),
    path("networks/<slug:slug>/logo.svg", marks.logo, name="network-logo"),
]
