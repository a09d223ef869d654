"""What every RPC passes through on its way to a servicer; ``chain`` states the order."""
