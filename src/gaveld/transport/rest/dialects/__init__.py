"""Vendors' REST APIs as Gavel serves them: one file each, and what several of them share."""
