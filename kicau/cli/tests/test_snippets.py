"""`kicau saved-texts` and `kicau contacts`: what lies ready for a writer, from the shell."""

import pytest

from kicau.cli.snippets import TEXT_KINDS
from kicau.publishing.models import Contact, SavedText
from kicau.rights.models import ActivityEntry

pytestmark = pytest.mark.usefixtures("actor")


def test_saved_texts_are_kept_shown_replaced_and_forgotten(kicau):
    assert set(TEXT_KINDS) == set(SavedText.Kind.values)
    assert "There are no saved texts" in kicau("saved-texts", "list").out
    kicau("saved-texts", "save", "hashtags", "Kopi", "#kopi #bandung")
    kept = kicau("saved-texts", "save", "hashtags", "Kopi", "#kopi #garut", "--json")
    assert (kept.code, kept.json["text"]) == (0, "#kopi #garut")
    kicau("saved-texts", "save", "signature", "Sari", "-", stdin="– Sari\nKopi Senja\n")
    assert kicau("saved-texts", "show", "signature", "sari").out == "– Sari\nKopi Senja\n"
    assert [row["name"] for row in kicau("saved-texts", "list", "--kind", "hashtags", "--json").json] == ["Kopi"]
    assert "#kopi #garut" in kicau("saved-texts", "list").out
    assert kicau("saved-texts", "delete", "hashtags", "Kopi").code == 0
    gone = kicau("saved-texts", "delete", "hashtags", "Kopi")
    assert (gone.code, "Kopi" in gone.err) == (3, True)
    assert list(SavedText.objects.values_list("name", flat=True)) == ["Sari"]
    assert ActivityEntry.objects.filter(act="text.forgotten").count() == 1


def test_a_contact_has_a_handle_on_each_network(kicau, stranger):
    kept = kicau("contacts", "save", "@Budi", "--on", "stranger=budi", "--json")
    assert (kept.code, kept.json["mentions"]) == (0, {"stranger": "@budi"})
    assert "stranger @budi" in kicau("contacts", "list").out
    wrong = kicau("contacts", "save", "Budi", "--on", "stranger")
    assert (wrong.code, "NETWORK=HANDLE" in wrong.err) == (2, True)
    assert "nowhere" in kicau("contacts", "save", "Budi", "--on", "nowhere=budi").err
    assert kicau("contacts", "delete", "budi").code == 0
    assert not Contact.objects.exists()
    assert kicau("contacts", "delete", "budi").code == 3
