"""Where what was learnt about texts is remembered, so that an equal text need not be read again."""
