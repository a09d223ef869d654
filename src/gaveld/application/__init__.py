"""Use cases, one file each. They talk to ports and the domain, and know no wire and no library."""
