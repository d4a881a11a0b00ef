"""The doctor looks at the certificate by which pictures are signed."""

from __future__ import annotations

from kicau.cli.doctor import look_at_signing
from kicau.media import signing
from kicau.media.tests.test_signing import certified


def test_the_doctor_says_whether_pictures_can_be_signed(tmp_path, monkeypatch):
    for name in (signing.CERTIFICATE, signing.KEY):
        monkeypatch.delenv(name, raising=False)
    assert list(look_at_signing()) == []
    for days, state, said in ((90, "ok", "es256"), (5, "note", "Kopi Senja"), (-1, "wrong", "is valid from")):
        chain, key = certified(tmp_path, days)
        monkeypatch.setenv(signing.CERTIFICATE, str(chain))
        monkeypatch.setenv(signing.KEY, str(key))
        (found,) = look_at_signing()
        assert (found.state, said in found.says) == (state, True), found
    monkeypatch.setenv(signing.KEY, "")
    (found,) = look_at_signing()
    assert (found.state, "KICAU_C2PA_KEY is not set" in found.says) == ("wrong", True)
