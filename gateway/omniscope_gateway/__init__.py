"""The gateway: Envoy's configuration, made from the descriptors of the public services.

Start reading at `build`, which writes a folder that Envoy starts from. `settings` says what a
gateway needs to know, `services` what Envoy must know of the public services;
`bootstrap`, `listener`, `access`, `routes`, `replies` and `clusters` are the parts of the
configuration. Envoy does all the work at run time; no code of this package is in the data path.
"""
