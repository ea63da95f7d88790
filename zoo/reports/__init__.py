"""Reports as self-contained pages: templates and plots."""
