"""Drop folders: files whose headers say what they hold."""
