"""The search itself: fingerprints of posts, readers of data files, matching, and how sure a match is."""
