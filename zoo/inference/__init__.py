"""From a table, a folder of files or an array to what a run or a bundle says of it."""
