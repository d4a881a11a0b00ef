"""A set's versions: their numbers, their folders, and the signature under what they tell."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from kicau.evidence.checkpoints import public_bytes
from kicau.training_sets.models import TrainingSet, TrainingSetVersion

MANIFEST_FILE_NAME = "manifest.json"


def build_next_version(of: TrainingSet, as_of: datetime, delta: Mapping[str, Any] | None = None) -> TrainingSetVersion:
    """The version to be made next, as of a moment; `delta` tells what it is without."""
    with transaction.atomic():
        TrainingSet.objects.select_for_update().get(id=of.id)
        last = of.versions.aggregate(last=Max("number"))["last"] or 0
        return TrainingSetVersion.objects.create(set=of, number=last + 1, as_of=as_of, delta=dict(delta or {}))


def version_folder(version: TrainingSetVersion) -> Path:
    return Path(settings.KICAU_DATA) / "datasets" / str(version.set_id) / f"v{version.number}"


def sign_line(signed: bytes, key: Ed25519PrivateKey) -> str:
    """One line of JSON: the public key and its Ed25519 signature over the bytes."""
    told = {"key": public_bytes(key.public_key()), "signature": key.sign(signed)}
    return json.dumps({name: base64.b64encode(raw).decode() for name, raw in told.items()}) + "\n"
