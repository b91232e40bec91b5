"""Every crash of the embedded stream: what SQLite asked of the disk, and each state it may have left."""
