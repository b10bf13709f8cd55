"""The engines behind ports: what a run needs of them (``ports``), and who is it here (``target``, the only chooser).

Nothing in this room imports Airflow.
"""
