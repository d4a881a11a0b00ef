"""The pages: server-rendered, a folder or file per subject, each calling the domain's acts and nothing else."""
