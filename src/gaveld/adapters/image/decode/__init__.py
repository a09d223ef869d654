"""Decodes pictures in worker processes, so that a hostile file harms no more than one of them."""
