"""The demo: a morning in the life of a coffee roaster and a city newsroom, posted within two minutes.

`posts.csv` is what they say and `media/` what they show (drawn by `draw.py`); nobody in it exists.

The table is in the public import format: UTF-8, commas, a header, one row a post, columns in any order. Only `channels`,
`at` and one of `text` and `media` need a value; a column that isn't needed may be left out.

ref               the author's own id of the post, unique: a row that was imported before is not imported again
channels          the keys of the channels to post to, with spaces between
at                when: "+m:ss" after the import, or a date and time in the workspace's zone ("2026-12-01 09:00")
text              what is said; a line that holds only "---" begins the next part of a thread
media             names of files beside the table, with spaces or newlines between; "---" begins the next part here too
alt               one line a medium, in the order of `media` through all parts (no "---"); an empty line: no alt text
link              the address of a link card; the first picture of `media`, if there is one, becomes the card's
link_title        the card's title and description, where the network lets us set them
link_description
first_comment     what we say below our own post, where the network has comments
poll              "A | B | C ; 24h", or "Question? :: A | B | C ; 24h" for networks that ask for a question beside the
                  text (the others leave it out); the duration is in minutes, hours or days: "30m", "24h", "7d"
options           what only one network has: "network.option=value", with ";" between
text:<network>    the text of this network's version (text:x, text:facebook, text:instagram, text:linkedin,
                  text:bluesky, text:mastodon, text:threads); empty: as in `text`
campaign          one campaign's name
tags              words for finding the post again, with spaces between
language          BCP 47: "en", "id"
ai_use            what the post may be used for by machines: "use=allow", "use=deny" or "use=conditional", with ";"
                  between; a use that isn't named is unknown, and unknown is never exported
"""
