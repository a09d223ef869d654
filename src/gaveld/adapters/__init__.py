"""What plugs into the application's ports, one family a folder; families never import each other."""
