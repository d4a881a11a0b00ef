"""Tests of the media library, with files made on the spot."""
