"""How the shipped lexicon is made: hand-made decisions, scored by what the labelled data says."""
