"""What a network is for: classification, or a dense task, which is a pyramid of maps and a published head.

`vitspace.tasks.heads` holds the dense tasks, a file each; `building` builds and `costs` counts a network for a task,
and `published` has the rows that the papers print of dense tasks.
"""
