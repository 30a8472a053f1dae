"""What make calls: scripts, and the two that read the protos' descriptors."""
