"""The commands of `omniscope`, one module per group; `output` is what they share."""
