"""The whole suite on one machine, for people who want to try it, develop on it or test it.

`suite` starts what `programs` lists (nats-server by `nats`, the services, Envoy), each tied to its
life by `tether`; `readiness` asks whether they answer, `state` tells others what runs where, `ports`
and `tokens` prepare the home, `cli` adds the commands `up`, `down`, `status` and `mlflow-ui`.
"""
