"""What plugs into the application's ports, one family a folder; they never import each other."""
