"""Tables in, checked; chronological splits; windows as views."""
