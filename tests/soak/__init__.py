"""``make soak``: the shop under a steady load for as long as one likes; nothing may grow."""
