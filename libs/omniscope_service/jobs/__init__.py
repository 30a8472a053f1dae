"""The job runtime: how a worker process claims jobs and trains in supervised child processes.

In the worker process: `worker` (the loop), `attempt` (one claimed job from grant to end; with
`inputs`, `stop`, `outcome`, `checkpoints`, `event_sender`, `convert` and `retry`), `lost_attempts`
and `work_folder` (what the death of a worker leaves), `machine_slots`, and
`warm`, `launcher`, `local_child` and `output` (children). Between worker and child: `supervisor`
(ends the whole process tree when the worker goes) and `frames` (messages on pipes). In the child:
`child`, `report` and `report_pipe`; those import neither grpc nor nats.
"""
