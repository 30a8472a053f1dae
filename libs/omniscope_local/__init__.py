"""The whole suite on one machine, for people who want to try it, develop on it or test it.

`suite` runs what `programs` lists (nats-server by `nats`, the services by their entries, Envoy),
each a `process` that ends with us (`die_with_parent`) and is asked by `probes` whether it answers.
`home`, `ports` and `tokens` prepare its folder, `state` has what runs where. `runner` runs a suite
in the foreground, `detached` in the background; `cli` adds `up`, `down`, `status` and `mlflow-ui`
to `omniscope`.
"""
