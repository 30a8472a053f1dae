"""What the suite knows of its services: `methods` reads what the protos state of each method."""
