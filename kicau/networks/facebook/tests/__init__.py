"""Tests of the Facebook connector and its sandbox."""
