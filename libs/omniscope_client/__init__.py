"""The suite for people and scripts: a typed Python client and the `omniscope` command line.

`connection` finds address and token, `calls` gives every call a deadline and one kind of error
(`errors`), `client` is what a script opens, with the parts `datasets`, `automl`, `deeplearning`,
`jobs`, `models`, `artifacts`, `experiments`.
`cli` assembles the command line from `commands`; `render` turns answers into what a person reads.

    from omniscope_client.client import Client

    with Client() as client:
        client.datasets.upload("tissue7.csv", name="tissues")
        job = client.automl.train("tissues", "tissue", time_limit=60)
        for event in client.jobs.watch(job.job_id):
            print(event.sequence, event.WhichOneof("event"))
"""
