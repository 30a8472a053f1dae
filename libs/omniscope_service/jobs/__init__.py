"""The job runtime: how a worker process claims jobs and trains in supervised child processes.

In the worker process: `worker` (the loop), `attempt` (one claimed job from grant to end), `lease`,
`event_sender`, `dataset_cache`, `warm` and `launcher`. Between worker and child: `supervisor`
(ends the whole process tree when the worker goes) and `frames` (messages on pipes). In the child:
`child` and `report`; those import neither grpc nor nats.
"""
