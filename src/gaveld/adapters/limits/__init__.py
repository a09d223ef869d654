"""Rate limits, counted in this process. Counting shared by replicas is another adapter's."""
