"""The hook that kbplug asks for this engine. Importing it loads no array library."""
