"""How the demo's pictures, clips and catalogue are drawn: shapes and type only, nothing borrowed.

`canvas` is the paper, `things` what is drawn on it; the other modules are the finished pieces.
"""
