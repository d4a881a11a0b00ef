"""What a sign-in granted, as the token answer lists it."""

from __future__ import annotations

import pytest

from kicau.connector.errors import Rejected
from kicau.networks.instagram.auth import NEEDED, _granted, _refuse_missing


@pytest.mark.parametrize("listed", ["", " ", ",", " , ", None, [], [""]])
def test_an_empty_list_is_like_a_missing_one(listed):
    assert _granted(listed) == frozenset()
    _refuse_missing(_granted(listed))


def test_what_a_list_leaves_out_is_refused_by_name():
    first, *rest = sorted(NEEDED["instagram"])
    _refuse_missing(_granted(",".join([first, *rest])))
    with pytest.raises(Rejected) as refused:
        _refuse_missing(_granted(", ".join(rest)))
    assert first in refused.value.problems[0].sentence
