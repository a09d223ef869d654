"""Parts of the body in pictures, by the network of the package ``nudenet``, if that is installed.

The package is under the AGPL-3.0 and nothing of it is here: an operator installs it and names it,
its network is read from where it lies, and its code is never run.
"""
