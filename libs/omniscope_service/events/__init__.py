"""How processes tell each other that something happened.

`subjects` names what is said where, `bus` is the contract every adapter keeps, `nats` is the
adapter for NATS JetStream. Messages are notifications only: the registry's database is the truth,
and losing any message loses nothing but time.
"""
