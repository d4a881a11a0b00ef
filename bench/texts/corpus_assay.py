"""corpus-assay from PyPI beside the audit: the same posts, the same lines, in the same run.

It is installed into an environment of its own, which is thrown away with the run; the project does not depend on it. It
finds word 13-grams (its default), so posts of fewer words are beyond it; both times are of the search alone, without
index or prints.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

VERSION = "0.1.0"
CONFIG = """benchmarks:
  - name: posts
    dataset: {folder}
    splits: [train]
    fields: [text]
    revision: null
ngram: 13
min_hits: 1
min_coverage: 0.0
"""


def beside(posts: Sequence[str], data: Path, home: Path, megabytes: int) -> Iterator[str]:
    """Lines to print. `data`: a folder of JSON lines, of whose beginning `megabytes` are searched by both."""
    from kicau.dataset_audit.matching.pipeline import run_search

    home.mkdir(parents=True, exist_ok=True)
    try:
        program = _installed(home / "environment")
    except (OSError, subprocess.CalledProcessError) as lost:
        yield f"corpus-assay {VERSION} could not be installed here, so it was not held beside: {lost}"
        return
    share = _share(data, home / "share", megabytes * 1_000_000)
    (home / "posts").mkdir(exist_ok=True)
    with (home / "posts" / "posts.jsonl").open("w") as lines:
        lines.writelines(json.dumps({"id": str(number), "text": text}) + "\n" for number, text in enumerate(posts))
    (home / "config.yaml").write_text(CONFIG.format(folder=home / "posts"))
    given = ["--config", "config.yaml"]
    began = time.perf_counter()
    _run(program, home, "build-index", *given, "--out-index", "posts.native", "--allow-unpinned")
    indexed = time.perf_counter() - began
    cores = os.cpu_count() or 1
    began = time.perf_counter()
    _run(
        program,
        home,
        "scan",
        *given,
        "--input",
        "share",
        "--index",
        "posts.native",
        "--out-dir",
        "out",
        "--workers",
        str(cores),
    )
    theirs = time.perf_counter() - began
    found = json.loads((home / "out" / "_FINAL_SUMMARY.json").read_text())
    run_search(((str(n), t) for n, t in enumerate(posts)), str(home / "share"), home / "audit")
    (home / "audit" / "journal.jsonl").unlink()
    began = time.perf_counter()
    ours = run_search((), str(home / "share"), home / "audit")
    seconds = time.perf_counter() - began
    documents = _documents(home / "audit" / "journal.jsonl")
    yield f"beside corpus-assay {VERSION}, on {share / 1e6:.0f} MB of the same lines, {cores} processes each:"
    yield f"  corpus-assay: {share / theirs / 1e6:.1f} MB/s, copies in {found['total_contaminated']:,} documents (its index took {indexed:.0f} s)"
    yield f"  kicau: {share / seconds / 1e6:.1f} MB/s, {sum(len(f.copies) for f in ours.found):,} copies in {documents:,} documents; {theirs / seconds:.1f} times as fast"


def _installed(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    wanted = f"corpus-assay=={VERSION}"
    python = folder / "bin" / "python"
    if uv := shutil.which("uv") or os.environ.get("UV"):
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", str(python), wanted], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", wanted], check=True)
    return folder / "bin" / "corpus-assay"


def _run(program: Path, home: Path, *words: str) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home / "cache")}
    done = subprocess.run(
        [str(program), *words], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"corpus-assay {words[0]} failed: {done.stderr[-2000:]}")


def _share(data: Path, folder: Path, size: int) -> int:
    """The first lines of the data, in as many files as there are cores; their bytes."""
    import gzip

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    first = sorted(data.iterdir())[0]
    total = 0
    with gzip.open(first, "rb") if first.suffix == ".gz" else first.open("rb") as lines:
        for number in range(os.cpu_count() or 1):
            with (folder / f"{number:03}.jsonl").open("wb") as part:
                held = 0
                while held < size // (os.cpu_count() or 1):
                    some = list(islice(lines, 500))
                    if not some:
                        break
                    part.writelines(some)
                    held += sum(map(len, some))
                total += held
    return total


def _documents(journal: Path) -> int:
    """How many lines of the share hold a copy, by the line's number in the bytes kept around each."""
    held = set()
    for line in journal.read_text().splitlines():
        told = json.loads(line)
        name = told["unit"].rsplit("|", 3)[0]
        starts = _starts(Path(name))
        for copy in told["copies"]:
            held.add((name, int(starts.searchsorted(copy["first"], side="right"))))
    return len(held)


def _starts(path: Path):
    import numpy as np

    return np.flatnonzero(np.fromfile(path, np.uint8) == 10)
