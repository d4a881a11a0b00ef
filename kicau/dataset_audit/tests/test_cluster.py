"""The same search by a local cluster of Ray. Where Ray is not installed (a wheel of some 70 MB) it is skipped; to run it:

pip install -e '.[cluster]' && pytest kicau/dataset_audit/tests/test_cluster.py
"""

from __future__ import annotations

import importlib.util
import sys
import warnings

import pytest

from kicau.dataset_audit.matching import cluster, pipeline
from kicau.dataset_audit.tests.test_search import POSTS, write

with_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@with_ray
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_finds_what_one_process_finds(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for number, kind in enumerate(("jsonl", "jsonl.gz", "parquet")):
        write(kind, data / f"{number}.{kind}")
    (data / "3.jsonl.gz").write_bytes((data / "1.jsonl.gz").read_bytes()[:-400])
    alone = pipeline.run_search(POSTS.items(), str(data), tmp_path / "alone", processes=1)
    warnings.simplefilter("ignore")
    many = pipeline.run_search(POSTS.items(), str(data), tmp_path / "many", cluster="local")

    def told(outcome):
        return [{**f.as_json(), "seconds": 0} for f in outcome.found]

    assert told(many) == told(alone)
    assert sum(len(f.copies) for f in many.found) >= 3 * len(POSTS)
    assert list(many.failed) == [str(data / "3.jsonl.gz")]


def test_a_cluster_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(cluster.ClusterUnavailable, match=r"kicau\[cluster\]"):
        pipeline.run_search(
            POSTS.items(), str(write("jsonl", tmp_path / "a.jsonl")), tmp_path / "audit", cluster="local"
        )
