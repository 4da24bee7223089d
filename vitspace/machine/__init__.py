"""This machine: who it is, its cores, memory, threads and devices, and when it is quiet."""
