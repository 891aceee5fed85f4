"""Where units of work are done: in this process, in others, on a Dask cluster."""
