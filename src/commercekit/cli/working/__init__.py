"""``commercekit worker``: processes that deliver facts and do jobs, and answer no requests."""
