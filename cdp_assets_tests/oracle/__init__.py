"""What the warehouse must hold, worked out the slow and plain way: one row after the other, in dictionaries.

Written from the specification alone. Imports nothing of the package under test and no database.

    described   the words: properties, goals, deliveries
    cells       from the text of a cell to values
    ordering    which deliveries count, and in which order
    folding     what their rows do to profiles
    events      and to their timelines
"""
