"""The checks every network makes of a draft, against its own rules: one sentence for each problem.

A connector's `render` calls these with its Capabilities; what only its network knows, it adds itself.
"""
