"""``make bench``: the shop under load, each workload beside its floor, interleaved in the same run."""
