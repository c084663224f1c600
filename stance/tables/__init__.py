"""Tables in files: read row by row, good and bad, written whole or not at all."""
