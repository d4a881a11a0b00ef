"""A sealed file opens with its passphrase only, and only whole."""

import io

import pytest

from kicau.backup.encryption import PIECE, TAG, Opener, Sealer, is_sealed
from kicau.backup.errors import Damaged, Locked


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("kicau.backup.encryption.N", 2**4)


def sealed(data, passphrase="hujan-di-bandung"):
    out = io.BytesIO()
    box = Sealer(out, passphrase)
    for start in range(0, len(data), 300_000):
        box.write(data[start : start + 300_000])
    box.close()
    return out.getvalue()


def opened(data, passphrase="hujan-di-bandung"):
    return Opener(io.BytesIO(data), passphrase).read()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_goes_in_comes_out(size):
    data = bytes(range(256)) * (size // 256 + 1)
    there = sealed(data[:size])
    assert is_sealed(there)
    assert opened(there) == data[:size]
    assert data[:64] not in there or not size


def test_another_passphrase_opens_nothing():
    with pytest.raises(Locked):
        opened(sealed(b"a secret"), "another passphrase")


def test_every_change_is_noticed():
    there = sealed(b"x" * (3 * PIECE))
    line = there.index(b"\n") + 1
    first, second, third = (there[line + n * (PIECE + TAG) : line + (n + 1) * (PIECE + TAG)] for n in range(3))
    head = there[:line]
    assert head + first + second + third == there
    for changed in (
        head + first + second,  # cut off where a piece ends
        there[:-1],
        head + first + third + second,
        head + first + second + second + third,
        there + b"more",
        head + first + second[:-1] + bytes([second[-1] ^ 1]) + third,
    ):
        with pytest.raises(Damaged):
            opened(changed)
    with pytest.raises((Damaged, Locked)):
        opened(there.replace(b'"n":16', b'"n":32', 1))
