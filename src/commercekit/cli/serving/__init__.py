"""Running a shop: its port, its processes, and the file that tells others where it is."""
