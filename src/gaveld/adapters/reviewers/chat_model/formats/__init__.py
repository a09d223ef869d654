"""How models are asked and how their answers are read: one small file for each form."""
