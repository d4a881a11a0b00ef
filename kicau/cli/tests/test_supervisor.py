"""Processes are kept running, and stopped in order."""

import os
import signal
import sys
import time
from pathlib import Path

from kicau.cli.core.supervisor import ChildProcess, Supervisor


def watch(children, act, *, stop_within=5.0, first_wait=0.05):
    """Run until `act(supervisor, events)` sends a signal; gives what was logged."""
    events = []
    supervisor = Supervisor(
        children, lambda event, **facts: events.append((event, facts)), stop_within=stop_within, first_wait=first_wait
    )

    def meanwhile():
        act(supervisor, events)
        return False

    code = supervisor.run(meanwhile=meanwhile)
    return events, code


def python(code):
    return [sys.executable, "-S", "-c", code]


def once(event, times):
    """Send SIGTERM as soon as that was logged so often."""
    return lambda supervisor, events: (
        os.kill(os.getpid(), signal.SIGTERM) if names(events).count(event) >= times else None
    )


def names(events):
    return [event for event, _ in events]


def test_children_are_told_to_finish_and_waited_for(tmp_path):
    done = tmp_path / "done"
    code = f"import signal, time, pathlib\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), pathlib.Path({str(done)!r}).touch(), exit(0)))\npathlib.Path({str(tmp_path / 'up')!r}).touch()\nwhile True: time.sleep(1)"
    child = ChildProcess("worker", python(code))
    events, number = watch(
        [child], lambda s, _: os.kill(os.getpid(), signal.SIGTERM) if (tmp_path / "up").exists() else None
    )
    assert done.exists()
    assert number == signal.SIGTERM
    assert names(events) == ["started", "stopping", "stopped"]
    assert not child.alive


def test_who_does_not_finish_is_ended(tmp_path):
    code = f"import signal, time, pathlib\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\npathlib.Path({str(tmp_path / 'up')!r}).touch()\ntime.sleep(60)"
    child = ChildProcess("stubborn", python(code))
    events, _ = watch(
        [child],
        lambda s, _: os.kill(os.getpid(), signal.SIGINT) if (tmp_path / "up").exists() else None,
        stop_within=0.5,
    )
    assert "did not stop in time and was ended" in names(events)
    assert not child.alive


def test_who_dies_is_started_again_later_each_time():
    events, _ = watch([ChildProcess("weak", python("raise SystemExit(3)"))], once("died", times=3))
    deaths = [facts for event, facts in events if event == "died"]
    assert [d["again_in_seconds"] for d in deaths[:3]] == [0.05, 0.1, 0.2]
    assert {d["code"] for d in deaths} == {3}


def test_one_that_dies_leaves_the_others_alone():
    steady = ChildProcess("steady", python("import time; time.sleep(60)"))
    events, _ = watch([steady, ChildProcess("weak", python("raise SystemExit(1)"))], once("died", times=2))
    assert [facts["child"] for event, facts in events if event == "died"].count("steady") == 0


def test_children_go_with_a_parent_that_was_killed(tmp_path):
    import subprocess

    code = (
        "import sys\nfrom kicau.cli.core.supervisor import ChildProcess, Supervisor\n"
        "child = ChildProcess('c', [sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "def log(event, **facts):\n    print(facts.get('pid', 0), flush=True)\n"
        "Supervisor([child], log).run()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()

    def lives():
        try:  # a zombie is dead, whoever inherited it
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    while lives():  # for ever, where it outlives its parent
        time.sleep(0.05)
