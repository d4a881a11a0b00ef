"""A sealed file opens with its passphrase only, and only whole."""

import io

import pytest

from kicau.backup.encryption import PIECE_BYTES, TAG_BYTES, DecryptingReader, EncryptingWriter, is_encrypted
from kicau.backup.errors import BackupDamaged, BackupLocked


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("kicau.backup.encryption.SCRYPT_N", 2**4)


def sealed(data, passphrase="hujan-di-bandung"):
    out = io.BytesIO()
    box = EncryptingWriter(out, passphrase)
    for start in range(0, len(data), 300_000):
        box.write(data[start : start + 300_000])
    box.close()
    return out.getvalue()


def opened(data, passphrase="hujan-di-bandung"):
    return DecryptingReader(io.BytesIO(data), passphrase).read()


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_goes_in_comes_out(size):
    data = bytes(range(256)) * (size // 256 + 1)
    there = sealed(data[:size])
    assert is_encrypted(there)
    assert opened(there) == data[:size]
    assert data[:64] not in there or not size


def test_another_passphrase_opens_nothing():
    with pytest.raises(BackupLocked):
        opened(sealed(b"a secret"), "another passphrase")


def test_every_change_is_noticed():
    there = sealed(b"x" * (3 * PIECE_BYTES))
    line = there.index(b"\n") + 1
    first, second, third = (
        there[line + n * (PIECE_BYTES + TAG_BYTES) : line + (n + 1) * (PIECE_BYTES + TAG_BYTES)] for n in range(3)
    )
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
        with pytest.raises(BackupDamaged):
            opened(changed)
    with pytest.raises((BackupDamaged, BackupLocked)):
        opened(there.replace(b'"n":16', b'"n":32', 1))
