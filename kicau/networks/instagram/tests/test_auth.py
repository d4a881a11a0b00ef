"""What a sign-in granted, as the token answer lists it."""

from __future__ import annotations

import pytest

from kicau.connector.errors import Rejected
from kicau.networks.instagram.auth import REQUIRED_SCOPES, _granted_scopes, _require_scopes


@pytest.mark.parametrize("listed", ["", " ", ",", " , ", None, [], [""]])
def test_an_empty_list_is_like_a_missing_one(listed):
    assert _granted_scopes(listed) == frozenset()
    _require_scopes(_granted_scopes(listed))


def test_what_a_list_leaves_out_is_refused_by_name():
    first, *rest = sorted(REQUIRED_SCOPES["instagram"])
    _require_scopes(_granted_scopes(",".join([first, *rest])))
    with pytest.raises(Rejected) as refused:
        _require_scopes(_granted_scopes(", ".join(rest)))
    assert first in refused.value.problems[0].sentence
