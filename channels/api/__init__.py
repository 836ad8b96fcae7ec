"""The REST API of the web process: what `bot.http` declares, mounted."""
