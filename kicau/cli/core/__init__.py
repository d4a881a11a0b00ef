"""What all commands share: who acts, how results are shown, exit codes, the supervisor of processes."""
