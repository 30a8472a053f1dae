"""Programs that make calls: scripts, and the readers of the protos' descriptors."""
