"""What is said of an audit, in the words of evidence. Apart from what seals and logs it: the shell searches without any Kicau."""

from __future__ import annotations

# Why a shard could not be read to its end.
CUT_FAULT = "it ends in the middle of what it holds"
DAMAGED_FAULT = "what is packed in it is damaged"
UNPACK_RATIO_FAULT = "it unpacks to more than 400 times its size; the rest was left out"
PARQUET_FAULT = "it was cut off or is no Parquet file, so that nothing of it could be read"
NO_TEXT_FAULT = "it has no column of text"
LOST_FAULT = "it is not there or cannot be reached, so that nothing of it was read"
NO_RECORD_FAULT = "it holds no record that can be read"


def finding_sentence(posts: int, places: int) -> str:
    """What was found, in the words of evidence."""
    if not posts:
        return "None of the posts was found in this data set, at the sensitivity stated below."
    return f"This data set contains {posts:,} of the posts, in {places:,} places."
