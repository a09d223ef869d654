"""Checks what k8s renders to with tools of its world, for `make manifests`."""
