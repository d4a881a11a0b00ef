"""What is counted before it is done, and passwords that are hashed a few at a time."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher
from django.db import connection

from kicau.base import clock
from kicau.base.errors import ServerBusy
from kicau.workspaces import hashing, throttle
from kicau.workspaces.models import Throttle

pytestmark = pytest.mark.django_db


def limit(key: str = "a", most: int = 3) -> throttle.ThrottleLimit:
    return throttle.ThrottleLimit(key, most, clock.now() + timedelta(minutes=10))


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_no_more_pass_than_the_limit_says():
    passed: list[int] = []

    def one_try() -> None:
        passed.append(throttle.wait_seconds([limit("b"), limit("a")]))
        connection.close()

    threads = [threading.Thread(target=one_try) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), passed.count(0)) == (12, 3)


def test_who_waits_long_enough_may_try_again_and_more_tries_do_not_make_it_longer():
    with clock.freeze_clock(clock.now()) as _:
        begun = clock.now()
        for _n in range(3):
            assert throttle.wait_seconds([limit()]) == 0
        assert throttle.wait_seconds([limit()]) == 600
    with clock.freeze_clock(begun + timedelta(minutes=9)):
        assert throttle.wait_seconds([limit()]) == 60
    with clock.freeze_clock(begun + timedelta(minutes=10)):
        assert throttle.wait_seconds([limit()]) == 0


def test_what_was_no_guess_is_given_back():
    for _n in range(10):
        assert throttle.wait_seconds([limit()]) == 0
        throttle.uncount_attempt([limit()])


def test_expired_counts_are_deleted():
    throttle.count_attempt([limit("old")])
    with clock.freeze_clock(clock.now() + timedelta(minutes=11)):
        throttle.count_attempt([limit("new")])
        assert throttle.delete_expired() == 1
    assert list(Throttle.objects.values_list("key", flat=True)) == ["new"]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_an_ipv6_subscriber_counts_as_one(address, network):
    assert throttle.network_of(address) == network


def test_a_hash_takes_owasp_s_memory_and_an_older_one_is_made_again(owner, monkeypatch):
    monkeypatch.undo()
    for name, value in (("time_cost", 2), ("memory_cost", 19 * 1024), ("parallelism", 1)):
        monkeypatch.setattr(hashing.LimitedArgon2PasswordHasher, name, value)
    owner.password = Argon2PasswordHasher().encode("hujan-di-bandung-41", "garam-garam-garam")
    owner.save()
    assert "m=102400" in owner.password or "m=8" in owner.password
    assert owner.check_password("hujan-di-bandung-41")
    owner.refresh_from_db()
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in owner.password
    assert isinstance(identify_hasher(owner.password), hashing.LimitedArgon2PasswordHasher)


def test_few_are_hashed_at_once_some_wait_and_no_more_do():
    turns = hashing.HashingSlots(at_once=2, waiting=1)
    entered, go = threading.Semaphore(0), threading.Event()
    running: list[int] = []

    def hashes() -> None:
        with turns.turn():
            running.append(1)
            entered.release()
            go.wait(20)
            running.pop()

    threads = [threading.Thread(target=hashes) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _thread in threads:
        assert entered.acquire(timeout=20)
    waits = threading.Thread(target=hashes)
    waits.start()
    while turns._places._value != 0:  # the third has taken its place
        pass
    assert len(running) == 2
    with pytest.raises(ServerBusy), turns.turn():
        pass
    go.set()
    for thread in (*threads, waits):
        thread.join(20)
    with turns.turn():
        pass
