"""What may be done with a work, what can be said of it, and under which conditions. Plain Python."""

#: What an item may be used for. Each is allow, deny or conditional; not listed means unknown, and unknown is not exported.
USES = ("train_gen", "train_other", "ground", "embed", "synthesise", "search", "redistribute", "archive")
#: Uses that stay in this house. Others' words need somebody's permission for every other use, whatever the workspace says.
IN_HOUSE_USES = ("ground", "embed", "search", "archive")
USE_VALUES = ("allow", "deny", "conditional")
#: Under which something conditional may be done; a purpose that meets all of them may.
CONDITIONS = ("attribution", "payment", "non-commercial", "share-alike", "consent", "geography")
#: Each use as it reads behind "for", to be translated for the reader.
PURPOSES = {
    "train_gen": "training a generative AI model",
    "train_other": "training an AI model that is not generative",
    "ground": "AI answers that use the content as a source",
    "embed": "search by meaning",
    "synthesise": "imitating the content's writing style",
    "search": "search results",
    "redistribute": "sharing with others",
    "archive": "storage in an archive",
}
