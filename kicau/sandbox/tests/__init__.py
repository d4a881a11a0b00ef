"""Tests of the local internet."""
