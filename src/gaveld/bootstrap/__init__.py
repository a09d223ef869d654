"""Where settings are read, everything is put together and proved, and the command lives."""
