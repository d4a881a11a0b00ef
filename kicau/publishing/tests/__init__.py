"""Tests of posts and deliveries."""
