"""Which user Kicau runs as where root starts it, and who owns what it writes.

The supervisor stays root, since PostgreSQL has a user of its own. Whatever reads what strangers send (the web server, the
workers and their children) becomes an unprivileged user without any capability: the owner of the data folder, or the
user `kicau`, which is made once. A command that root runs beside them gives its new files to that same user.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "kicau"
PRIVATE_UMASK = 0o077
# What Kicau keeps in its data folder; whatever else is there is somebody's own and stays theirs.
OWNED_ENTRIES = (
    "archive",
    "audits",
    "datasets",
    "exports",
    "media",
    "cache",
    "reading.toml",
    "secret.key",
    "static",
)
LOCK_FILES = ("up.lock", "postgres.lock", "postgres.users")
CAP_DAC_READ_SEARCH = 2  # CAP_DAC_READ_SEARCH, include/uapi/linux/capability.h
LAST_CAPABILITY = 63
PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 8, 24, 38, 47  # include/uapi/linux/prctl.h
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION = 0x20080522


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUser:
    """A user of this machine."""

    uid: int
    gid: int
    name: str
    home: str = "/"


class SystemUserMissing(RuntimeError):
    """The user that Kicau should run as could not be made. The message says what to do."""


def keep_files_private() -> None:
    """At the start of every process: what it makes is its own user's alone."""
    os.umask(PRIVATE_UMASK)


def is_root() -> bool:
    return os.geteuid() == 0


def folder_owner(path: Path) -> SystemUser | None:
    """Who owns a file or folder; None where that is root, or nobody since it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    if found.st_uid == 0:
        return None
    try:
        known = pwd.getpwuid(found.st_uid)
        return SystemUser(uid=known.pw_uid, gid=known.pw_gid, name=known.pw_name, home=known.pw_dir)
    except KeyError:  # a number alone, as containers have it
        return SystemUser(uid=found.st_uid, gid=found.st_gid, name=str(found.st_uid))


def service_user(folder: Path) -> SystemUser | None:
    """As whom web and workers of this data folder run: None for ourselves; where we are root, the folder's owner, else
    the user `kicau`. Raises SystemUserMissing."""
    if not is_root():
        return None
    return folder_owner(folder) or create_system_user(SERVICE_USER)


def create_system_user(name: str) -> SystemUser:
    """A system user of that name, made where it is missing. Raises SystemUserMissing."""
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        command = ["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run([*command, name], check=True, capture_output=True)
            known = pwd.getpwnam(name)
        except (OSError, subprocess.CalledProcessError, KeyError) as exc:
            raise SystemUserMissing(
                f"Kicau does not run as root, and the user {name} could not be made ({exc}). Make that user, or start Kicau as another one."
            ) from None
    return SystemUser(uid=known.pw_uid, gid=known.pw_gid, name=known.pw_name, home=known.pw_dir)


def make_folder(folder: Path) -> None:
    """Make a data folder where it is missing. The database's user passes through the parents that root makes for it;
    nobody else can list them. Raises OSError."""
    for parent in reversed(folder.parents):
        if not parent.exists():
            parent.mkdir(exist_ok=True)
            if is_root():
                parent.chmod(0o711)
    folder.mkdir(exist_ok=True)


def drop_root(folder: Path) -> None:
    """For a process that is started by itself, not by `kicau up`: as the data folder's owner, where that is not root."""
    if is_root() and (account := folder_owner(folder)):
        switch_user(account, reads_anything=not can_run_kicau(account))
        os.environ.update(KICAU_DATA=str(folder), HOME=str(folder), XDG_CACHE_HOME=str(folder / "cache"))


def current_user() -> SystemUser:
    """The user of this process."""
    return SystemUser(uid=os.geteuid(), gid=os.getegid(), name=str(os.geteuid()))


def is_shared_place(folder: Path) -> bool:
    """Whether a folder is a place of the system's or a home, which is never given to another user."""
    whole = folder.resolve()
    return len(whole.parts) < 3 or whole in (Path.home(), Path("/var/lib"), Path("/usr/local"), Path("/var/tmp"))  # noqa: S108


def allow_passage(folder: Path) -> None:
    """Another user passes through the data folder, where root or the folder's own account made it; it cannot list it."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o001 == 0:
            os.fchmod(fd, mode | 0o011)
    finally:
        os.close(fd)


def take_ownership(folder: Path, account: SystemUser, *, shared: bool) -> None:
    """Give the account what root made in a data folder, and close it to others. `shared`: another user (PostgreSQL's)
    passes through the folder.

    Nothing is followed out of the folder and nothing with several names is touched: whoever owns the folder could have
    put it there to be given a file of root's.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _change_owner(top, account)
        os.fchmod(top, 0o711 if shared else 0o700)
        for name in (*OWNED_ENTRIES, *LOCK_FILES):
            with suppress(OSError):
                _take_entry_ownership(top, name, account)
    finally:
        os.close(top)


def _take_entry_ownership(top: int, name: str, account: SystemUser) -> None:
    about = os.stat(name, dir_fd=top, follow_symlinks=False)
    follow = stat.S_ISLNK(about.st_mode) and about.st_uid == 0  # the operator's own, to another disk
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW), dir_fd=top)
    try:
        _change_owner(fd, account)
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            return
        for _, folders, files, here in os.fwalk(".", dir_fd=fd):
            for one in (*folders, *files):
                with suppress(OSError):
                    child = os.open(one, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=here)
                    try:
                        _change_owner(child, account)
                    finally:
                        os.close(child)
    finally:
        os.close(fd)


def _change_owner(fd: int, account: SystemUser) -> None:
    about = os.fstat(fd)
    is_file = stat.S_ISREG(about.st_mode)
    if not is_file and not stat.S_ISDIR(about.st_mode):
        return
    if is_file and about.st_nlink > 1:
        return
    if about.st_uid == 0:
        os.fchown(fd, account.uid, account.gid)
    if about.st_uid in (0, account.uid) and about.st_mode & 0o077:
        os.fchmod(fd, stat.S_IMODE(about.st_mode) & ~0o077)


def unreadable_paths(account: SystemUser, paths: Iterable[str]) -> list[str]:
    """Which of these files and folders the account cannot read."""
    return [path for path in paths if not _can_access(account, "-r", path)]


def _can_access(account: SystemUser, test: str, path: str) -> bool:
    done = subprocess.run(
        ["/usr/bin/test", test, path],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def can_run_kicau(account: SystemUser) -> bool:
    """Whether the account can run this Python and read Kicau's own files: not from a private folder such as /root."""
    here = Path(__file__).resolve().parents[1] / "__init__.py"
    return _can_access(account, "-x", sys.executable) and _can_access(account, "-r", str(here))


# Linux has these as system calls without a place in Python's library.


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _capabilities() -> ctypes.Array[_CapabilityData]:
    halves = (_CapabilityData * 2)()
    if _libc().capget(ctypes.byref(_CapabilityHeader(CAPABILITY_VERSION, 0)), ctypes.byref(halves)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return halves


def _set_capabilities(halves: ctypes.Array[_CapabilityData]) -> None:
    if _libc().capset(ctypes.byref(_CapabilityHeader(CAPABILITY_VERSION, 0)), ctypes.byref(halves)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def switch_user(account: SystemUser, *, reads_anything: bool = False) -> None:
    """From root to the account, for good and without any capability, in this process and all that it starts.

    `reads_anything`: but for the right to read files, where Kicau itself lies in a private folder of root's.
    """
    linux = sys.platform == "linux"
    kept = reads_anything and linux
    if linux:
        for number in range(LAST_CAPABILITY + 1):
            if not (kept and number == CAP_DAC_READ_SEARCH):
                _libc().prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
        if kept:
            _libc().prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if kept:
        bit = 1 << CAP_DAC_READ_SEARCH
        _set_capabilities((_CapabilityData * 2)(_CapabilityData(bit, bit, bit), _CapabilityData(0, 0, 0)))
        _libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0)
    if linux:
        _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(PRIVATE_UMASK)


@contextmanager
def files_owned_by(account: SystemUser | None) -> Iterator[None]:
    """What this thread, and threads that it starts, make meanwhile belongs to the account; root stays root otherwise."""
    if account is None or sys.platform != "linux" or not is_root():
        yield
        return
    before = _capabilities()
    libc = _libc()
    libc.setfsgid(account.gid)
    libc.setfsuid(account.uid)
    _set_capabilities(before)  # the kernel took root's rights over files along
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)
        _set_capabilities(before)


def open_lock(path: Path, mode: str = "a") -> int:
    """A lock file's descriptor, made where it is missing; a link is not followed. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_APPEND if "a" in mode else 0)
    fd = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return fd
