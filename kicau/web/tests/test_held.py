"""A channel whose permission a budget keeps from being renewed says so where people look, and leads to the budget."""

from __future__ import annotations

from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.models import ChannelState


def test_a_held_channel_says_which_budget_and_leads_there(page, owner, post):
    row = post("Kopi Gayo", to=["x-kopisenja"]).deliveries[0]
    why = Sentence(
        "Kicau did not renew its access to {channel} on {network}, because the renewal needs {wanted} and the budget “{budget}” has only {left} of {limit} left. Raise the budget so that Kicau can renew the access.",
        channel="Kopi",
        network="X",
        budget="Izin",
        limit="$1.00",
        left="$0.00",
        wanted="$0.01",
    )
    channel = row.channel
    channel.state, channel.reason, channel.renewal_problem, channel.renewal_said = (
        ChannelState.HELD,
        str(why),
        why,
        to_stored_pieces(why),
    )
    channel.save()
    for path in ("/channels", f"/channels/{channel.key}", f"/posts/{row.draft_id}"):
        assert "the budget “Izin” has only $0.00 of $1.00 left" in page.get(path).content.decode(), path
    assert 'href="/costs/budgets"' in page.get("/channels").content.decode()
    assert 'href="/costs/budgets"' in page.get(f"/channels/{channel.key}").content.decode()
    assert "Publishing on hold because of a budget limit" in page.get("/channels").content.decode()
    owner.language = "id"
    owner.save()
    assert "sisa anggaran “Izin” hanya $0.00 dari $1.00" in page.get(f"/channels/{channel.key}").content.decode()
