"""What is said of an audit, in the words of evidence. Apart from what seals and logs it: the shell searches without any Kicau."""

from __future__ import annotations


def says(posts: int, places: int) -> str:
    """What was found, in the words of evidence."""
    if not posts:
        return "None of the posts was found in this data set, at the sensitivity stated below."
    return f"This data set contains {posts:,} of the posts, in {places:,} places."
