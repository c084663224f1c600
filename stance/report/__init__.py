"""Reports to print and to send: one file each, of an evaluation and of a labelled corpus."""
