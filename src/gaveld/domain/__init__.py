"""Pure rules of judgement. Imports the standard library only, does no I/O, knows no clock."""
