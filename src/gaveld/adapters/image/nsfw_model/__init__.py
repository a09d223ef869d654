"""The network that tells pornography from harmless pictures, how it is installed and how it runs.

No weights are shipped: ``NsfwInstallation`` makes them from a package of npm's.
"""
