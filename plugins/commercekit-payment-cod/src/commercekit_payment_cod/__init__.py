"""Cash on delivery: the goods go first, staff book the money when it is handed over."""
