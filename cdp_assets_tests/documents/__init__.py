"""The documents as a reader uses them: queries are asked, commands are typed, files are written as they are shown."""
