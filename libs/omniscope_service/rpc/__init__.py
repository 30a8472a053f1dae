"""gRPC of a service: error table, identities, policy, interceptors, server and client channels."""
