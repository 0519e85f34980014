"""Rules and values of jobs, stages and steps. Standard library only, no input or output."""
