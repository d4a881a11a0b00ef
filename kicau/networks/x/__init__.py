"""X (api.x.com, API v2): posts, threads, pictures, GIFs, videos and polls, priced per request.

Speaks both of the API's vocabularies (post.* since 2.167, tweet.* before) and sends the newer one.
"""
