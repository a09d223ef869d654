"""Tests of the contract: its rules, its REST form, its error reasons and the client package."""
