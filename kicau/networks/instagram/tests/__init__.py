"""Tests of the Instagram connector and its sandbox."""
