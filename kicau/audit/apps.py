"""Audits that people begin in pages and programs keep their rows here."""

from __future__ import annotations

from django.apps import AppConfig


class Audits(AppConfig):
    name = "kicau.audit"
