"""What outlives the process: API keys in SQL, policies in YAML."""
