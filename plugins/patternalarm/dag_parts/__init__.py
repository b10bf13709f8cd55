"""What DAG files are wired from: the steps of a run, its parameters, and what every task begins with."""
