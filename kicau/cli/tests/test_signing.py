"""The doctor looks at the certificate by which pictures are signed."""

from __future__ import annotations

from kicau.cli.server.doctor import check_signing
from kicau.media import signing
from kicau.media.tests.test_signing import certified


def test_the_doctor_says_whether_pictures_can_be_signed(tmp_path, monkeypatch):
    for name in (signing.CERTIFICATE_SETTING, signing.KEY_SETTING):
        monkeypatch.delenv(name, raising=False)
    assert list(check_signing()) == []
    for days, state, said in ((90, "ok", "es256"), (5, "note", "Kopi Senja"), (-1, "wrong", "is valid from")):
        chain, key = certified(tmp_path, days)
        monkeypatch.setenv(signing.CERTIFICATE_SETTING, str(chain))
        monkeypatch.setenv(signing.KEY_SETTING, str(key))
        (found,) = check_signing()
        assert (found.state, said in found.says) == (state, True), found
    monkeypatch.setenv(signing.KEY_SETTING, "")
    (found,) = check_signing()
    assert (found.state, "KICAU_C2PA_KEY is not set" in found.says) == ("wrong", True)
