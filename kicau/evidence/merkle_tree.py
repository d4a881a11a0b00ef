"""The Merkle tree of RFC 6962, section 2.1: roots, proofs of inclusion and of consistency, and their checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

TILE_SIZE = 256  # leaves whose common root is stored, so that a proof over millions reads a few thousand hashes


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (or over the roots of full subtrees of one size, but for the last)."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    frontier: list[tuple[int, bytes]] = []
    for value in hashes:
        push_leaf(frontier, value)
    return frontier_root(frontier)


def push_leaf(frontier: list[tuple[int, bytes]], value: bytes, size: int = 1) -> None:
    """One more leaf (or full subtree of `size` leaves) at the end of a tree kept as its full subtrees, largest first."""
    frontier.append((size, value))
    while len(frontier) > 1 and frontier[-1][0] == frontier[-2][0]:
        (size, left), (_, right) = frontier[-2:]
        frontier[-2:] = [(2 * size, node_hash(left, right))]


def frontier_root(frontier: Iterable[tuple[int, bytes]]) -> bytes:
    """The root of a tree kept as its full subtrees."""
    parts = [value for _, value in frontier]
    if not parts:
        return hashlib.sha256(b"").digest()
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def _split_point(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, first: int, last: int, root: Callable[[int, int], bytes]) -> list[bytes]:
    """The audit path of leaf `index` in the tree over leaves first to last (excluded); `root(a, b)` gives subtrees'."""
    if last - first <= 1:
        return []
    middle = first + _split_point(last - first)
    if index < middle:
        return [*inclusion_path(index, first, middle, root), root(middle, last)]
    return [*inclusion_path(index, middle, last, root), root(first, middle)]


def is_included(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path leads from the leaf's hash to the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, value = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = node_hash(step, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, step)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def consistency_path(
    old: int, first: int, last: int, root: Callable[[int, int], bytes], whole: bool = True
) -> list[bytes]:
    """The proof that the first `old` leaves of the tree are those of its earlier self (RFC 6962, section 2.1.2)."""
    size = last - first
    if old == size:
        return [] if whole else [root(first, last)]
    middle = _split_point(size)
    if old <= middle:
        return [*consistency_path(old, first, first + middle, root, whole), root(first + middle, last)]
    return [*consistency_path(old - middle, first + middle, last, root, False), root(first, first + middle)]


def is_consistent(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the larger tree begins with the smaller (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof
    steps = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not steps:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old, new = steps[0], steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root
