"""What skill authors work with, behind the commands `new-skill`, `chat`, `graph`, `diff` and `explain`."""
