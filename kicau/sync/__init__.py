"""Standing reading: answers to what was published and its numbers, read by the policy, paid from the ledger, kept here.

Words of others stay here: they never enter the archive, a training set, or what a decision over items rests on, since
their authors gave them to a network and not to us. They go with the channel, and so with its workspace.
"""
