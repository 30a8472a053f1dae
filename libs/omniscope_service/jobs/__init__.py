"""The job runtime: how a worker process claims jobs and trains in supervised child processes.

In the worker process: `worker` (the loop), `attempt` (one claimed job from grant to end; with
`lease`, `event_sender`, `stop`, `endings`, `convert`, `persistence` and `dataset_cache`), and
`warm`, `launcher`, `local_child` and `output` (children). Between worker and child: `supervisor`
(ends the whole process tree when the worker goes) and `frames` (messages on pipes). In the child:
`child`, `report` and `report_pipe`; those import neither grpc nor nats.
"""
