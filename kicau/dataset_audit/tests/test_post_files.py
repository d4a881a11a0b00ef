"""Posts come from the files that people have."""

from __future__ import annotations

import pytest

from kicau.dataset_audit.post_files import UnreadablePosts, read_posts, unique_ids


@pytest.mark.parametrize(
    ("name", "content", "posts"),
    [
        (
            "a.jsonl",
            '{"id": 7, "text": "halo"}\n\n{"full_text": "dunia"}\n"apa kabar"\n',
            [("7", "halo"), ("3", "dunia"), ("4", "apa kabar")],
        ),
        ("a.csv", "\ufeffID;Text\n1;halo\n;dunia\n2;\n", [("1", "halo"), ("3", "dunia")]),
        ("a.txt", "halo\n\n dunia \n", [("1", "halo"), ("3", "dunia")]),
    ],
)
def test_each_kind(tmp_path, name, content, posts):
    (tmp_path / name).write_text(content, "utf-8")
    assert list(read_posts(tmp_path / name)) == posts


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"text": "x"}\n{oops\n', "Line 2"),
        ("a.jsonl", b'{"id": 1}\n', 'no "text"'),
        ("a.csv", b"one,two\n1,2\n", "no column of texts. Found: one, two"),
        ("a.txt", b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadablePosts, match=said):
        list(read_posts(tmp_path / name))


def test_an_id_that_is_there_twice_names_two_posts_only_where_the_words_differ():
    given = [("1", "satu"), ("2", "dua"), ("1", "satu"), ("1", "tiga"), ("1", "empat"), ("1", "tiga")]
    assert list(unique_ids(given)) == [("1", "satu"), ("2", "dua"), ("1 (2)", "tiga"), ("1 (3)", "empat")]
