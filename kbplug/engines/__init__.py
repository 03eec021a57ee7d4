"""Engines that ship with kbplug, registered like any plugin."""
