"""Files as they came. An original is never changed; what a network needs otherwise is made beside it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.connector import content
from kicau.rights.models import Provenance
from kicau.workspaces.models import Person, Workspace


class Medium(Provenance):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="media")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=10)
    mime = models.CharField(max_length=100)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    fps = models.FloatField(default=0)
    bitrate = models.BigIntegerField(default=0)
    video_codec = models.CharField(max_length=20, blank=True)
    audio_codec = models.CharField(max_length=20, blank=True)
    frames = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    colour = models.CharField(max_length=10, blank=True)
    alt = models.TextField(blank=True)
    title = models.CharField(max_length=300, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    added_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "sha256"], name="one_medium_each_content")]
        indexes = [models.Index(fields=["workspace", "-created_at", "-id"], name="medium_library")]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """The library's key, from which the file is found without asking the database."""
        return f"{self.workspace_id.hex}/{self.sha256}"

    def value(self, alt: str | None = None, cover: Medium | None = None, cover_ms: int | None = None) -> content.Media:
        """As the seam knows it; `alt` replaces the library's own for one use, which of a video has a cover too."""
        return content.Media(
            ref=self.ref,
            kind=content.MediaKind(self.kind),
            mime=self.mime,
            size=self.size,
            name=self.name,
            alt=self.alt if alt is None else alt,
            title=self.title,
            width=self.width,
            height=self.height,
            duration_ms=self.duration_ms,
            fps=self.fps,
            bitrate=self.bitrate,
            video_codec=self.video_codec,
            audio_codec=self.audio_codec,
            frames=self.frames,
            pages=self.pages,
            colour=self.colour,
            cover=cover.value() if cover else None,
            cover_ms=None if cover else cover_ms,
        )


class LinkedPage(models.Model):
    """What a page that somebody linked said of itself when it was last read."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="linked_pages", db_index=False)
    url = models.CharField(max_length=2000)
    title = models.CharField(max_length=300, blank=True)
    description = models.CharField(max_length=1000, blank=True)
    picture = models.ForeignKey(Medium, on_delete=models.SET_NULL, null=True, related_name="+")
    why = models.TextField(blank=True)  # it could not be read, or not all of it, in a sentence
    said = models.JSONField(default=list, blank=True)  # how that sentence was made
    read_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "url"], name="one_linked_page_each_url")]

    def __str__(self) -> str:
        return self.url
