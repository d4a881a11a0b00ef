"""LinkedIn: posts of members and organisations through the versioned Posts API.

Its terms forbid automated posting, so each post needs the confirmation of a named person.
"""
