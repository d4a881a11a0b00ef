"""The same search on many machines: each unit a task of Ray, the prints sent once to each machine and mapped there by all
of its processes. Needs the extra `cluster`; every machine has Kicau, and reaches the data by the same names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kicau.dataset_audit.matching.search import UnitResult, begin_process, search_unit
from kicau.dataset_audit.matching.shards import ShardUnit


class ClusterUnavailable(Exception):
    """Install the extra `cluster`, or name a cluster that answers."""


def search_on_cluster(left: Sequence[ShardUnit], folder: Path, address: str) -> Iterator[UnitResult]:
    """What each unit holds, in the order in which they are done. `address`: of a Ray cluster ("auto": this machine's
    one; "local": one of its own for this search). A machine that is lost has its units searched by the others.
    Raises ClusterUnavailable."""
    if not left:
        return
    ray = _connect_ray(address)
    try:
        stored = {
            path.name: ray.put(np.fromfile(path, np.uint8)) for path in sorted(folder.iterdir()) if path.is_file()
        }
        mark = hashlib.sha256(
            "".join(f"{p.name} {_file_digest(p)}\n" for p in sorted(folder.iterdir())).encode()
        ).hexdigest()
        task = ray.remote(num_cpus=1, max_retries=3)(_search_unit)
        waiting = [task.remote(unit, mark, list(stored.items())) for unit in left]
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1)
            yield from (UnitResult.from_json(told) for told in ray.get(done))
    finally:
        ray.shutdown()


def _connect_ray(address: str) -> Any:
    try:
        import ray
    except ImportError as wrong:
        raise ClusterUnavailable("Ray is not installed. Add it with: pip install 'kicau[cluster]'") from wrong
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level="error", include_dashboard=False
        ) if address == "local" else ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as wrong:
        raise ClusterUnavailable(f"The cluster {address} does not answer: {wrong}") from wrong
    return ray


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_loaded_digest = ""


def _search_unit(unit: ShardUnit, mark: str, stored: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """On some machine of the cluster: the first task there writes the prints down, each process maps them once."""
    global _loaded_digest
    if _loaded_digest != mark:
        begin_process(str(_local_prints(mark, stored)))
        _loaded_digest = mark
    return search_unit(unit).as_json()


def _local_prints(mark: str, stored: Sequence[tuple[str, Any]]) -> Path:
    import ray

    here = Path(tempfile.gettempdir()) / f"kicau-prints-{os.getuid()}-{mark[:24]}"
    if not here.exists():
        begun = Path(tempfile.mkdtemp(prefix="kicau-prints-"))
        for name, reference in stored:
            ray.get(reference).tofile(begun / name)
        try:
            begun.rename(here)
        except OSError:  # another process of this machine was first
            shutil.rmtree(begun, ignore_errors=True)
    return here
