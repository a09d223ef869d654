"""Members of compliance panels: each reads content under the rules in force, and votes."""
